import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { duration } from "../../kernel/time";
import { Section } from "../../ui/card";
import type { Column } from "../../ui/data-table/columns";
import { DataTable } from "../../ui/data-table/data-table";
import { Empty } from "../../ui/empty";
import { Field } from "../../ui/field";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { executionsQuery } from "../queries";
import { ofExecution, STATES, stateOf } from "../states";
import { varying } from "../values";
import { Parameters } from "./parameters";
import { Who } from "./who";

type Execution = Schema<"Execution">;
type Wanted = (typeof STATES)[number];

interface ExecutionsProps {
  /** Of all of them, where none is named. */
  pipeline?: string;
  state: Wanted;
  onState: (state: Wanted) => void;
  /** How one starts it, where there is no execution yet. */
  command: string;
}

/** All executions of a pipeline, the newest first. */
export function Executions({ pipeline, state, onState, command }: ExecutionsProps) {
  const query = useInfiniteQuery(executionsQuery(pipeline, stateOf(state)));
  const project = useProject();
  const navigate = useNavigate();
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data]);
  const columns = useMemo(() => columnsFor(rows, pipeline === undefined), [rows, pipeline]);
  const note = query.hasNextPage ? `the newest ${rows.length}` : rows.length;
  const choose = (
    <Field label="State">
      <select value={state} onChange={(event) => onState(event.target.value as Wanted)}>
        {STATES.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </Field>
  );
  return (
    <Section
      title={pipeline === undefined ? "Newest first" : "Executions"}
      note={query.data && note}
      aside={<div className="pipelines-state">{choose}</div>}
    >
      <Loaded query={query}>
        {() => (
          <DataTable
            label="Executions"
            columns={columns}
            rows={rows}
            rowKey={({ id }) => id}
            maxHeight="max(420px, calc(100dvh - 260px))"
            onOpen={({ id }) => void navigate({ to: href(project, `execution:${id}`) })}
            onEnd={() => void (query.hasNextPage && !query.isFetchingNextPage && query.fetchNextPage())}
            empty={
              state === "all" ? (
                <Empty title="Never started yet" command={command} />
              ) : (
                <Empty title={`None is ${state}`} />
              )
            }
          />
        )}
      </Loaded>
    </Section>
  );
}

/** With the pipeline where they are of several, and the cost where CPU time has a price. */
function columnsFor(rows: readonly Execution[], several: boolean): readonly Column<Execution>[] {
  const spent = rows.some(({ cost }) => cost !== null) ? COST : CPU;
  const only = several ? undefined : varying(rows.map(({ parameters }) => parameters));
  const given: Column<Execution> = {
    id: "parameters",
    head: "Parameters",
    width: 160,
    grow: true,
    minor: true,
    cell: ({ parameters }) => <Parameters of={parameters} {...(only && { only })} />,
  };
  return [...(several ? [PIPELINE] : []), ...COLUMNS, spent, BY, given];
}

const PIPELINE: Column<Execution> = {
  id: "pipeline",
  head: "Pipeline",
  width: 152,
  cell: ({ pipeline }) => <RefLink to={`pipeline:${pipeline}`} bare />,
};
const COLUMNS: readonly Column<Execution>[] = [
  { id: "state", head: "State", width: 104, cell: ({ state }) => <Status {...ofExecution(state)} /> },
  { id: "id", head: "Execution", width: 88, minor: true, cell: ({ id }) => <RefLink to={`execution:${id}`} bare /> },
  { id: "asked", head: "Requested", width: 104, cell: ({ created_at }) => <Time at={created_at} /> },
  {
    id: "took",
    head: "Duration",
    width: 96,
    minor: true,
    align: "end",
    cell: ({ wall_s }) => (wall_s === null ? "–" : duration(wall_s * 1000)),
  },
];
const CPU: Column<Execution> = {
  id: "cpu",
  head: "CPU",
  width: 96,
  minor: true,
  align: "end",
  cell: ({ cpu_s }) => (cpu_s ? duration(cpu_s * 1000) : "–"),
};
const COST: Column<Execution> = {
  id: "cost",
  head: "Cost",
  width: 80,
  minor: true,
  align: "end",
  cell: ({ cost }) => <Num value={cost} />,
};
const BY: Column<Execution> = {
  id: "by",
  head: "By",
  width: 120,
  minor: true,
  cell: (execution) => <Who of={execution} />,
};
