import { Link } from "@tanstack/react-router";
import { CornerDownRight, Star } from "lucide-react";
import type { Column } from "../../ui/data-table/columns";
import { shortId } from "../../ui/id";
import { Time } from "../../ui/time";
import type { RunRow } from "../queries";
import { interval, type Standing } from "./cells";
import { RunState } from "./state";
import { Took } from "./took";
import { Given, Measured } from "./value";

interface Shape {
  project: string;
  /** `metrics.auc`, `params.depth`, `tags.owner`. */
  chosen: readonly string[];
  /** Runs of several experiments stand together. */
  mixed: boolean;
  standing: Standing | undefined;
  /** Some of them failed. */
  errors: boolean;
  /** Metrics of which the ends of an interval were asked for, too. */
  bounded: ReadonlySet<string>;
}

/** The columns of a table of runs: what each has, then what was chosen. */
export function runColumns({ project, chosen, mixed, standing, errors, bounded }: Shape): Column<RunRow>[] {
  const own: Column<RunRow>[] = [
    {
      id: "name",
      head: "Run",
      width: narrow() ? 140 : 172,
      grow: true,
      cell: (row) => <RunName project={project} row={row} />,
    },
    { id: "state", head: "State", width: 92, cell: ({ state }) => <RunState state={state} /> },
  ];
  if (mixed)
    own.push({ id: "experiment", head: "Experiment", width: 140, minor: true, cell: ({ experiment }) => experiment });
  const cells = chosen.map((id) => cellColumn(id, standing, bounded));
  const about: Column<RunRow>[] = [
    {
      id: "started_at",
      head: "Started",
      width: 104,
      align: "end",
      sort: true,
      cell: (row) => <Time at={row.started_at} />,
    },
    { id: "took", head: "Duration", width: 92, minor: true, align: "end", cell: (row) => <Took {...row} /> },
  ];
  const by: Column<RunRow> = {
    id: "by",
    head: "By",
    width: 100,
    minor: true,
    cell: (row) => <Actor name={row.started_by} />,
  };
  const error: Column<RunRow> = {
    id: "error",
    head: "Error",
    width: 180,
    minor: true,
    grow: true,
    cell: ({ error: text }) => <span title={text}>{text}</span>,
  };
  const ranked = narrow() ? cells.findIndex(({ id }) => id === `metrics.${standing?.metric}`) : -1;
  if (ranked >= 0) own.splice(1, 0, ...cells.splice(ranked, 1)); // else it is out of sight where there is little room
  return mixed ? [...own, ...about, by, ...cells, ...(errors ? [error] : [])] : [...own, ...cells, ...about];
}

/** As wide as its head with the arrow, within reason. */
function wide(head: string): number {
  return Math.max(76, Math.min(160, Math.ceil(34 + 7.2 * head.length)));
}

function narrow(): boolean {
  return matchMedia("(max-width: 720px)").matches;
}

function cellColumn(id: string, standing: Standing | undefined, bounded: ReadonlySet<string>): Column<RunRow> {
  const [, kind, key = ""] = /^(\w+)\.(.+)$/.exec(id) ?? [];
  if (kind !== "metrics") {
    const sort = kind === "params" ? ({ sort: true } as const) : {};
    const cell = ({ cells }: RunRow) => cells[id] !== undefined && <Given value={cells[id]} />;
    return { id, head: key, width: wide(key), align: "end", ...sort, cell };
  }
  return {
    id,
    head: key,
    width: bounded.has(key) ? 178 : wide(key),
    align: "end",
    sort: true,
    cell: (row) => {
      if (row.cells[id] === undefined) return null;
      const { low, high } = interval(row, key) ?? {};
      const mark = standing?.metric === key ? standing : undefined;
      return (
        <span className="runs-measured" data-best={mark?.best === row.id || undefined}>
          {mark?.best === row.id && <Star size={12} aria-label="Best in this order" />}
          {mark?.near.has(row.id) && (
            <abbr title="Its interval overlaps with that of the best: they cannot be told apart">≈</abbr>
          )}
          <Measured value={row.cells[id]} low={low} high={high} />
        </span>
      );
    },
  };
}

export function RunName({ project, row }: { project: string; row: Pick<RunRow, "id" | "name" | "parent"> }) {
  return (
    <Link className="runs-name" to={`/${project}/runs/${row.id}`} title={`${row.name} ${row.id}`}>
      {row.parent !== null && <CornerDownRight size={12} aria-label="part of a run" />}
      <span>{row.name}</span>
      <code>{shortId(row.id)}</code>
    </Link>
  );
}

/** A person or a service by its bare name. */
function Actor({ name }: { name: string }) {
  return <span title={name}>{name.replace(/^\w+:/, "")}</span>;
}
