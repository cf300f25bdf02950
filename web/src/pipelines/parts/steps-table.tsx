import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { bytes } from "../../kernel/number";
import { duration, time } from "../../kernel/time";
import type { Column } from "../../ui/data-table/columns";
import { DataTable } from "../../ui/data-table/data-table";
import { Num } from "../../ui/num";
import { Status } from "../../ui/status";
import { ofStep } from "../states";
import { apart } from "../values";

type StepRun = Schema<"StepRun">;

interface StepsTableProps {
  steps: readonly StepRun[];
  step: string | undefined;
  sort: string;
  onSort: (sort: string | undefined) => void;
  onOpen: (step: string) => void;
}

export function StepsTable({ steps, step, sort, onSort, onOpen }: StepsTableProps) {
  const hidden = useMemo(() => (steps.some(({ cost }) => cost !== null) ? [] : ["cost"]), [steps]);
  const columns = useMemo(() => {
    const told = apart(steps);
    return COLUMNS.map((column) => (column.id === "name" ? named(step, told) : column));
  }, [steps, step]);
  return (
    <DataTable
      label="Steps"
      columns={columns}
      rows={steps}
      rowKey={({ id }) => id}
      sort={sort || undefined}
      onSort={onSort}
      hidden={hidden}
      onOpen={({ id }) => onOpen(id)}
      maxHeight="480px"
    />
  );
}

function named(chosen?: string, told?: ReadonlyMap<string, string>): Column<StepRun> {
  return {
    id: "name",
    head: "Step",
    width: 160,
    grow: true,
    sort: ({ name }) => name,
    cell: ({ id, name }) => (
      <span title={told?.get(id)}>
        {id === chosen ? <strong>{name}</strong> : name}
        <span className="steps-apart">{told?.get(id)}</span>
      </span>
    ),
  };
}

const COLUMNS: readonly Column<StepRun>[] = [
  named(),
  {
    id: "state",
    head: "State",
    width: 112,
    sort: (step) => ofStep(step).word,
    cell: (step) => <Status {...ofStep(step)} />,
  },
  {
    id: "took",
    head: "Duration",
    width: 88,
    align: "end",
    sort: ({ wall_s, cached }) => (cached ? null : wall_s),
    cell: ({ wall_s, cached }) => (wall_s === null || cached ? "–" : duration(wall_s * 1000)),
  },
  {
    id: "waited",
    head: "Waited",
    width: 80,
    minor: true,
    align: "end",
    sort: waited,
    cell: (step) => (waited(step) > 0 ? duration(waited(step)) : "–"),
  },
  {
    id: "cpu",
    head: "CPU",
    width: 80,
    minor: true,
    align: "end",
    sort: ({ cpu_s }) => cpu_s,
    cell: ({ cpu_s }) => (cpu_s ? duration(cpu_s * 1000) : "–"),
  },
  {
    id: "memory",
    head: "Memory",
    width: 88,
    minor: true,
    align: "end",
    sort: ({ peak_rss_mb }) => peak_rss_mb,
    cell: ({ peak_rss_mb }) => (peak_rss_mb ? bytes(peak_rss_mb * 2 ** 20) : "–"),
  },
  {
    id: "cost",
    head: "Cost",
    width: 80,
    minor: true,
    align: "end",
    sort: ({ cost }) => cost,
    cell: ({ cost }) => <Num value={cost} />,
  },
  {
    id: "tries",
    head: "Tries",
    width: 56,
    minor: true,
    align: "end",
    sort: ({ attempt }) => attempt,
    cell: ({ attempt }) => attempt,
  },
];

function waited({ queued, started }: StepRun): number {
  return time(started) - time(queued);
}
