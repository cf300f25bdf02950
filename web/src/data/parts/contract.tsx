import type { Schema } from "../../kernel/api/types";
import { full, percent } from "../../kernel/number";
import { Empty } from "../../ui/empty";
import { Table, type TableColumn } from "../../ui/table";
import { checkKey, type Result } from "../checks";
import { extent } from "../verdict";
import { Marks } from "./marks";
import { Sentence } from "./reasons";

/** One check and how it went in each delivery. */
interface Line {
  last: Result;
  went: readonly { delivery: Schema<"DeliveryMark">; result: Result }[];
}

const SHOWN = 30;

/** What every delivery is measured by, and how each check went so far. */
export function ContractChecks({ story: { deliveries, state } }: { story: Schema<"DatasetStory"> }) {
  const lines = linesOf(deliveries.slice(-SHOWN));
  if (lines.length === 0)
    return <Empty title="Nothing was measured yet">The checks of the contract run on each delivery.</Empty>;
  const columns: TableColumn<Line>[] = [
    { head: "Check", cell: ({ last }) => <Sentence result={last} contract={state.dataset.contract} />, grow: true },
    { head: "Kind", cell: ({ last }) => <span className="muted">{last.check}</span> },
    {
      head: `Last ${Math.min(SHOWN, deliveries.length)} deliveries`,
      cell: (line) => <Went line={line} room={Math.min(SHOWN, deliveries.length)} />,
    },
    {
      head: "Failed",
      cell: ({ went }) => went.filter(({ result }) => !result.passed).length || <span className="muted">0</span>,
      align: "end",
    },
    {
      head: "Tolerated",
      cell: ({ last }) => (last.tolerance ? percent(last.tolerance) : <span className="muted">none</span>),
      align: "end",
    },
  ];
  return <Table label="Checks of the contract" columns={columns} rows={lines} rowKey={({ last }) => checkKey(last)} />;
}

function Went({ line: { went, last }, room }: { line: Line; room: number }) {
  const marks = went.map(({ delivery, result }) => ({
    key: `${delivery.key} ${delivery.attempt}`,
    bad: !result.passed,
    title: `${delivery.key}, attempt ${delivery.attempt}: ${result.violations ? extent(result, full(delivery.rows)) : "no violation"}`,
  }));
  const failed = marks.filter(({ bad }) => bad).length;
  return <Marks label={`${last.check}: failed ${failed} of ${marks.length} deliveries`} marks={marks} room={room} />;
}

/** The checks that any of these deliveries was measured by, those of the newest first. */
export function linesOf(deliveries: readonly Schema<"DeliveryMark">[]): Line[] {
  const lines = new Map<string, { last: Result; went: { delivery: Schema<"DeliveryMark">; result: Result }[] }>();
  for (const delivery of [...deliveries].reverse()) {
    for (const result of delivery.checks) {
      const line = lines.get(checkKey(result)) ?? { last: result, went: [] };
      line.went.unshift({ delivery, result });
      lines.set(checkKey(result), line);
    }
  }
  return [...lines.values()];
}
