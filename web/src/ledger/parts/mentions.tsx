import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useProject } from "../../kernel/project";
import { query } from "../../kernel/url";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Markdown } from "../../ui/markdown/markdown";
import { RefLink } from "../../ui/ref-link";
import { Time } from "../../ui/time";
import { LEDGER } from "../fields";
import { mentionsQuery } from "../queries";
import "./comments.css";

/** Where somebody wrote @ and the name of the person at the screen. */
export function Mentions() {
  const project = useProject();
  const mentions = useQuery(mentionsQuery);
  return (
    <Loaded
      query={mentions}
      isEmpty={({ items }) => items.length === 0}
      empty={<Empty title="No mentions">A comment with @ and your name appears here.</Empty>}
    >
      {({ items }) => (
        <ol className="ledger-mentions">
          {items.map(({ seq, author, at, ref, text }) => (
            <li key={seq}>
              <p className="ledger-said-by">
                <RefLink to={author} bare /> about <RefLink to={ref} /> <Time at={at} />
                <Link to={`/${project}/ledger${query(LEDGER, { ref })}`}>Answer</Link>
              </p>
              {text === null ? <p className="muted">Erased.</p> : <Markdown text={text} />}
            </li>
          ))}
        </ol>
      )}
    </Loaded>
  );
}
