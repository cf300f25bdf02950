import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { significant } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { DataTable } from "../../ui/data-table/data-table";
import { usePagedRows } from "../../ui/data-table/rows";
import { shortId } from "../../ui/id";
import { type Asked, PAGE, type RunIndex, type RunRow, rowsQuery } from "../queries";
import { ends, interval, type Standing, standing, toNumber } from "./cells";
import { runColumns } from "./run-columns";

export interface RunsTableProps {
  asked: Asked;
  index: RunIndex;
  columns: readonly string[];
  /** Runs of several experiments stand together. */
  mixed: boolean;
  onSort: (sort: string | undefined) => void;
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
  maxHeight?: string;
}

/** Runs that scroll however many they are; in the order of a metric the best is marked, and who cannot be told apart from it. */
export function RunsTable({ asked, index, columns, mixed, onSort, selected, onSelect, maxHeight }: RunsTableProps) {
  const project = useProject();
  const navigate = useNavigate();
  const bounded = useMemo(() => boundedOf(index), [index]);
  const cells = useMemo(() => withEnds(columns, bounded), [columns, bounded]);
  const page = useCallback((n: number) => rowsQuery(asked, cells, index.anchors[n]?.after), [asked, cells, index]);
  const rows = usePagedRows({ total: index.total, size: PAGE, page });
  const first = useQuery(rowsQuery(asked, cells, null)).data;
  const order = useMemo(() => standing(first ?? [], asked.order_by), [first, asked.order_by]);
  const errors = first?.some(({ error }) => error !== "") ?? false;
  const shape = useMemo(
    () => runColumns({ project, chosen: columns, mixed, standing: order, errors, bounded }),
    [project, columns, mixed, order, errors, bounded],
  );
  return (
    <>
      {order && first && <Best order={order} rows={first} down={asked.order_by.startsWith("-")} total={index.total} />}
      <DataTable
        label="Runs"
        columns={shape}
        rows={rows}
        rowKey={rowKey}
        sort={asked.order_by}
        onSort={onSort}
        onOpen={({ id }) => void navigate({ to: `/${project}/runs/${id}` })}
        selected={selected}
        onSelect={onSelect}
        {...(maxHeight && { maxHeight })}
      />
    </>
  );
}

const rowKey = ({ id }: RunRow) => id;

function boundedOf({ metrics }: RunIndex): ReadonlySet<string> {
  return new Set(metrics.filter((key) => ends(key).every((end) => metrics.includes(end))));
}

function withEnds(columns: readonly string[], bounded: ReadonlySet<string>): string[] {
  return columns.flatMap((column) => {
    const key = column.replace(/^metrics\./, "");
    return key !== column && bounded.has(key) ? [column, ...ends(key).map((end) => `metrics.${end}`)] : [column];
  });
}

interface BestProps {
  order: Standing;
  rows: readonly RunRow[];
  down: boolean;
  total: number;
}

/** The answer in one line: which run is first, and how many are as good as far as anybody can tell. */
function Best({ order, rows, down, total }: BestProps) {
  const best = rows.find(({ id }) => id === order.best);
  const value = toNumber(best?.cells[`metrics.${order.metric}`]);
  if (!best || value === undefined) return null;
  const near = order.near.size;
  return (
    <p className="runs-best">
      <strong>
        {down ? "Highest" : "Lowest"} {order.metric} {significant(value, 4)}
      </strong>{" "}
      of {total} {total === 1 ? "run" : "runs"}: {best.name} <code>{shortId(best.id)}</code>
      {near > 0 &&
        `; the ${near === 1 ? "interval" : "intervals"} of ${near === rows.length - 1 && total > rows.length ? `at least ${near}` : near} more overlap with its own (≈)`}
      {near === 0 &&
        interval(best, order.metric) === undefined &&
        "; without intervals, so chance may have put it first"}
    </p>
  );
}
