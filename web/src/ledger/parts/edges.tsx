import type { Schema } from "../../kernel/api/types";
import { exact } from "../../kernel/time";
import { RefLink } from "../../ui/ref-link";
import { Table } from "../../ui/table";
import { verbWords } from "../gist";

type Edge = Schema<"ostinato.ledger.types.Edge">;

const COLUMNS = [
  { head: "Input", cell: ({ source }: Edge) => <RefLink to={source} /> },
  { head: "Output", cell: ({ target }: Edge) => <RefLink to={target} /> },
  { head: "Event", cell: ({ verb }: Edge) => verbWords(verb) },
  { head: "By", minor: true, cell: ({ actor }: Edge) => <RefLink to={actor} bare={actor.startsWith("person:")} /> },
  { head: "When", cell: ({ at }: Edge) => <time dateTime={at}>{exact(at).slice(0, 16)}</time>, grow: true },
];

/** The same as the picture, in words: each edge is an act. */
export function Edges({ edges }: { edges: readonly Edge[] }) {
  return (
    <Table
      label="Edges of the lineage"
      columns={COLUMNS}
      rows={edges}
      rowKey={({ source, target, seq }) => `${seq} ${source} ${target}`}
      empty="No edges."
    />
  );
}
