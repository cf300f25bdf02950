import { Link } from "@tanstack/react-router";
import { ArrowDown, ArrowUp, X } from "lucide-react";
import { Fragment, type ReactNode } from "react";
import { Button } from "../../ui/button";
import { shortId } from "../../ui/id";
import { TableFrame } from "../../ui/table";
import type { Comparison, Run } from "../queries";
import { type Cell, ends, leading, toNumber } from "./cells";
import { RunState } from "./state";
import { Given, Measured } from "./value";

interface DifferencesProps {
  project: string;
  comparison: Comparison;
  /** Places of the runs, from left to right. */
  order: readonly number[];
  /** `-metrics.auc`: what the order is by. */
  sort: string;
  onSort: (sort: string) => void;
  /** The colour of a run's lines, if it has lines. */
  colour: (run: Run) => number | undefined;
  onRemove: (run: string) => void;
}

interface Line {
  what: string;
  head: string;
  cells: ReactNode[];
}

/** Runs side by side: only what differs, then what was measured. A head of a line sorts the runs by it. */
export function Differences(props: DifferencesProps) {
  const { project, comparison, order, sort, onSort, colour, onRemove } = props;
  const { runs, differing } = comparison;
  const groups = [
    { title: "What differs", lines: differing.map(({ what, values }) => given(what, values)) },
    { title: "Results", lines: measured(comparison) },
  ];
  return (
    <TableFrame label="Runs side by side">
      <table className="table compare-table">
        <thead>
          <tr>
            <td />
            {order.map((place) => {
              const run = runs[place];
              return (
                run && (
                  <th key={run.id} scope="col">
                    <RunHead {...{ project, run, onRemove }} colour={colour(run)} removable={runs.length > 2} />
                  </th>
                )
              );
            })}
          </tr>
        </thead>
        <tbody>
          {groups.map(({ title, lines }) => (
            <Fragment key={title}>
              <tr className="compare-group">
                <th scope="rowgroup">{title}</th>
                <td colSpan={runs.length} />
              </tr>
              {lines.map(({ what, head, cells }) => (
                <tr key={what}>
                  <th scope="row">
                    <Sorter {...{ what, head, sort, onSort }} />
                  </th>
                  {order.map((place) => (
                    <td key={place} data-align="end">
                      {cells[place]}
                    </td>
                  ))}
                </tr>
              ))}
              {lines.length === 0 && (
                <tr>
                  <td colSpan={runs.length + 1} className="muted">
                    {title === "What differs"
                      ? "Nothing that was recorded: chance, or what was not."
                      : "Nothing was measured."}
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function given(what: string, values: readonly Cell[]): Line {
  const cells = values.map((value, i) => <Given key={i} value={what === "environment" ? shortened(value) : value} />);
  return { what, head: what.replace(/^params\./, ""), cells };
}

function shortened(value: Cell): Cell {
  return typeof value === "string" ? shortId(value) : value;
}

function measured({ metrics }: Comparison): Line[] {
  const byKey = new Map(metrics.map(({ key, values }) => [key, values]));
  return leading([...byKey.keys()]).map((key) => {
    const [low, high] = ends(key).map((end) => byKey.get(end));
    const cells = (byKey.get(key) ?? []).map((metric, i) => (
      <Measured key={i} value={metric?.last} low={toNumber(low?.[i]?.last)} high={toNumber(high?.[i]?.last)} />
    ));
    return { what: `metrics.${key}`, head: key, cells };
  });
}

interface RunHeadProps {
  project: string;
  run: Run;
  colour: number | undefined;
  removable: boolean;
  onRemove: (run: string) => void;
}

function RunHead({ project, run, colour, removable, onRemove }: RunHeadProps) {
  return (
    <div className="compare-head">
      {colour !== undefined && <span className="compare-key" data-series={colour} />}
      <Link to={`/${project}/runs/${run.id}`} title={run.id}>
        {run.name} <code>{shortId(run.id)}</code>
      </Link>
      {run.state !== "finished" && <RunState state={run.state} />}
      {removable && (
        <Button
          kind="quiet"
          small
          aria-label={`Leave out ${run.name} ${shortId(run.id)}`}
          icon={<X aria-hidden />}
          onClick={() => onRemove(run.id)}
        />
      )}
    </div>
  );
}

interface SorterProps {
  what: string;
  head: string;
  sort: string;
  onSort: (sort: string) => void;
}

function Sorter({ what, head, sort, onSort }: SorterProps) {
  const on = sort.replace(/^-/, "") === what;
  const Arrow = sort.startsWith("-") ? ArrowDown : ArrowUp;
  const next = !on ? `-${what}` : sort.startsWith("-") ? what : "";
  return (
    <button type="button" className="compare-sort" onClick={() => onSort(next)} title={`Order the runs by ${head}`}>
      {head} {on && <Arrow size={12} aria-label={sort.startsWith("-") ? "greatest first" : "least first"} />}
    </button>
  );
}
