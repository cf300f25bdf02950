import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import type { MonitorStory, WindowMark } from "../queries";
import { windowName } from "../words";

type Reacted = MonitorStory["reactions"][number];

interface Row {
  window: WindowMark;
  reactions: Reacted["reaction"][];
}

const STATES = {
  done: { kind: "ok", word: "Done" },
  failed: { kind: "bad", word: "Failed, will be tried again" },
  pending: { kind: "waiting", word: "Pending" },
} as const;

const WHAT: TableColumn<Row> = {
  head: "Reactions",
  grow: true,
  cell: ({ reactions }) => (
    <ul className="reactions">
      {reactions.map(({ position, reaction, state, outcome, problem }) => (
        <li key={position}>
          {reaction}{" "}
          {state === "done" ? (
            <RefLink to={outcome} bare={outcome.startsWith(`${reaction}:`)} />
          ) : (
            <Status {...STATES[state]} />
          )}
          {problem && <span className="muted"> {problem}</span>}
        </li>
      ))}
    </ul>
  ),
};

const COLUMNS: TableColumn<Row>[] = [
  { head: "Window", cell: ({ window }) => <RefLink to={`window:${window.id}`}>{windowName(window)}</RefLink> },
  { head: "Alarms", align: "end", cell: ({ window }) => window.alarms },
  WHAT,
];
const OF_ONE = [WHAT];

/** What alarms set off, and what came of it: a line for each window. */
export function ReactionTable({ rows, ofOne = false }: { rows: readonly Reacted[]; ofOne?: boolean }) {
  const windows = new Map<string, Row>();
  for (const { window, reaction } of rows) {
    const row = windows.get(window.id);
    if (row) row.reactions.push(reaction);
    else windows.set(window.id, { window, reactions: [reaction] });
  }
  return (
    <Table
      label="Reactions"
      columns={ofOne ? OF_ONE : COLUMNS}
      rows={[...windows.values()]}
      rowKey={({ window }) => window.id}
      empty="No alarm has set off a reaction."
    />
  );
}
