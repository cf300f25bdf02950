import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useProject } from "../../kernel/project";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Time } from "../../ui/time";
import { type News, newsQuery } from "./queries";
import { called, sentence } from "./sentences";

/** What happened last in the loop; what comes while one looks is marked for a moment. */
export function Lately() {
  const project = useProject();
  const news = useQuery(newsQuery);
  const newest = useBefore(news.data?.[0]?.event.seq);
  return (
    <Section title="Recent activity" aside={<Link to={`/${project}/ledger`}>Open the ledger</Link>}>
      <Loaded query={news} empty={<p className="muted">Nothing has happened yet.</p>}>
        {(all) => (
          <ol className="lately">
            {all.map((one) => (
              <Line key={one.event.id} news={one} fresh={newest !== undefined && (one.event.seq ?? 0) > newest} />
            ))}
          </ol>
        )}
      </Loaded>
    </Section>
  );
}

function Line({ news, fresh }: { news: News; fresh: boolean }) {
  const project = useProject();
  const { pieces, again, said, kind } = sentence(news);
  return (
    <li data-kind={kind} data-fresh={fresh || undefined}>
      <p>
        {pieces.map((piece, i) =>
          typeof piece === "string" ? (
            piece
          ) : (
            <RefLink key={i} to={piece.ref}>
              {piece.text ?? called(piece.ref)}
            </RefLink>
          ),
        )}
        {again > 1 && <span className="muted"> ×{again}</span>}
      </p>
      <Link className="lately-time" to={`/${project}/ledger?event=${news.event.id}`}>
        <Time at={news.event.at} />
      </Link>
      {said && (
        <p className="lately-said" title={said}>
          {said}
        </p>
      )}
    </li>
  );
}

/** What a value was when it was first there. */
function useBefore<T>(value: T | undefined): T | undefined {
  const first = useRef<T>(undefined);
  useEffect(() => {
    first.current ??= value;
  }, [value]);
  return first.current;
}
