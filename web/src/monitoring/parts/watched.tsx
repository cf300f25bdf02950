import type { Schema } from "../../kernel/api/types";
import { date, now, time } from "../../kernel/time";
import { Card } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { Id } from "../../ui/id";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { measureOf } from "../words";

type Silence = Schema<"Silence">;

const COLUMNS: TableColumn<Silence>[] = [
  { head: "About", cell: ({ feature }) => feature || "everything" },
  {
    head: "Until",
    cell: ({ until }) =>
      time(until) > now() ? (
        <Status kind="idle" word={date(until)} />
      ) : (
        <span className="muted">{date(until)}, over</span>
      ),
  },
  { head: "By", cell: ({ made_by }) => <RefLink to={made_by} bare /> },
  { head: "Reason", grow: true, cell: ({ reason }) => reason },
];

export function Silences({ silences }: { silences: readonly Silence[] }) {
  return (
    <Card title="Silences" note={silences.length}>
      {silences.length > 0 ? (
        <Table label="Silences of this monitor" columns={COLUMNS} rows={silences} rowKey={({ id }) => id} />
      ) : (
        <p className="muted">None: every finding is heard.</p>
      )}
    </Card>
  );
}

/** What the monitor was told to do. */
export function Watched({ monitor }: { monitor: Schema<"Monitor"> }) {
  const { endpoint, reference, features, block, alpha, tests, reactions, created_at, created_by } = monitor;
  return (
    <Card title="What it watches">
      <Facts
        items={[
          ["Endpoint", <RefLink key="endpoint" to={`endpoint:${endpoint}`} bare />],
          ["Reference", <Id key="reference" value={reference} what="digest of the reference" />],
          ["Features", `${features.length}, and the score`],
          ["Rows belong together by", block || "nothing, they are independent"],
          ["False discoveries", `at most ${alpha * 100} % of what is significant`],
          ["Tolerances set", set(tests)],
          [
            "Reactions",
            reactions.map(({ reaction, on = [] }) => `${reaction} on ${on.join(", ")}`).join("; ") || "none",
          ],
          [
            "Created",
            <span key="created">
              <Time at={created_at} /> by <RefLink to={created_by} bare />
            </span>,
          ],
        ]}
      />
    </Card>
  );
}

function set(tests: Schema<"Monitor">["tests"]): string {
  const own = tests.filter(({ tolerance }) => tolerance !== null);
  const said = own.map(
    ({ test, tolerance, features = [] }) =>
      `${measureOf(test)} ${tolerance}${features.length ? ` for ${features.join(", ")}` : ""}`,
  );
  return said.join("; ") || "those of the tests";
}
