import type { Schema } from "../../kernel/api/types";
import { parse } from "../../kernel/ref";
import { RefLink } from "../../ui/ref-link";
import { plain } from "../values";

type Change = Schema<"Change">;

/** Which parts of a step's key differ from the run before: what it was, what it is. */
export function Changes({ of, most = Number.POSITIVE_INFINITY }: { of: readonly Change[]; most?: number }) {
  return (
    <ul className="changes">
      {of.slice(0, most).map(({ part, name, before, after }) => (
        <li key={`${part} ${name}`}>
          <span className="changes-name">
            {part !== "argument" && <span className="muted">{part} </span>}
            {name}
          </span>{" "}
          <Side of={before} part={part} absent="new" /> <span aria-hidden>→</span>
          <span className="sr-only">became</span> <Side of={after} part={part} absent="gone" />
        </li>
      ))}
      {of.length > most && <li className="muted">and {of.length - most} more</li>}
    </ul>
  );
}

function Side({ of, part, absent }: { of: string | null; part: Change["part"]; absent: string }) {
  if (of === null) return <span className="muted">{absent}</span>;
  const text = part === "argument" ? plain(of) : plain(JSON.stringify(of));
  const ref = part === "argument" && parse(text);
  return ref && ref.kind !== "sha256" ? <RefLink to={text} /> : <code title={of}>{text}</code>;
}
