import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { duration, exact } from "../../kernel/time";
import type { StatusKind } from "../status";
import { type Axis, folded, ticks } from "./folded";
import "./gantt.css";

/** One try of a step: queued, then worked on. */
export interface Attempt {
  key: string;
  queued?: number | null;
  /** Null while it still waits. */
  started: number | null;
  /** Null while it goes on: drawn up to now. */
  ended: number | null;
  kind: StatusKind;
  word: string;
}

export interface GanttRow {
  key: string;
  /** A link to the step, where it has a page. */
  label: ReactNode;
  name: string;
  attempts: readonly Attempt[];
  /** Nothing ran, an earlier result was taken; the address of the run that made it. */
  reused?: { at: number; to: string };
  /** No other step could have made the whole faster. */
  critical?: boolean;
}

interface GanttProps {
  label: string;
  rows: readonly GanttRow[];
  now: number;
  /** The instants say only how far things are apart: shown as spans since the beginning. */
  offsets?: boolean;
}

/** Steps over time, a row each in the order of the graph; tries of one step share its row. */
export function Gantt({ label, rows, now, offsets = false }: GanttProps) {
  const axis = folded(rows.flatMap((row) => spans(row, now)));
  const alive = rows.some((row) => row.attempts.some(({ ended, started }) => started !== null && ended === null));
  return (
    <div className="gantt-frame">
      <table className="gantt" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">
              <span className="sr-only">Step</span>
            </th>
            <td className="gantt-lane" aria-hidden>
              {legible(ticks(axis)).map(({ after, at }) => (
                <span key={after} className="gantt-tick" style={{ left: percent(at) }}>
                  {after === 0 ? "0" : duration(after).replace(".0 ", " ")}
                </span>
              ))}
            </td>
            <th scope="col" className="gantt-took">
              Duration
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} data-critical={row.critical || undefined}>
              <th scope="row">{row.label}</th>
              <td className="gantt-lane">
                {axis.folds.map((fold) => (
                  <span
                    key={fold.from}
                    className="gantt-fold"
                    style={{ left: percent(fold.at) }}
                    title={`${duration(fold.to - fold.from)} in which nothing ran`}
                  />
                ))}
                {row.reused && (
                  <Link
                    className="gantt-reused"
                    to={row.reused.to}
                    style={{ left: percent(axis.place(row.reused.at)) }}
                    title={`${row.name}: an earlier result was reused`}
                  >
                    <span className="sr-only">{row.name} was reused from an earlier run</span>
                  </Link>
                )}
                {row.attempts.map((attempt) => (
                  <AttemptBars
                    key={attempt.key}
                    name={row.name}
                    attempt={attempt}
                    axis={axis}
                    now={now}
                    offsets={offsets}
                  />
                ))}
                {alive && <span className="gantt-now" style={{ left: percent(axis.place(now)) }} />}
              </td>
              <td className="gantt-took">{row.reused ? "reused" : took(row, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface BarProps {
  name: string;
  attempt: Attempt;
  axis: Axis;
  now: number;
  offsets: boolean;
}

function AttemptBars({ name, attempt, axis, now, offsets }: BarProps) {
  const { queued, started, ended, kind, word } = attempt;
  const box = (from: number, to: number) => ({
    left: percent(axis.place(from)),
    width: percent(axis.place(to) - axis.place(from)),
  });
  const began = started ?? now;
  const when = (at: number) => (offsets ? duration(at - axis.first) : exact(at));
  return (
    <>
      {queued != null && queued < began && (
        <span className="gantt-queue" style={box(queued, began)} title={`waited ${duration(began - queued)}`} />
      )}
      {started !== null && (
        <span
          role="img"
          className="gantt-bar"
          data-kind={kind}
          style={box(started, ended ?? now)}
          title={`${name}: ${word}, ${duration((ended ?? now) - started)} from ${when(started)}`}
          aria-label={`${name}: ${word}, ${duration((ended ?? now) - started)}`}
        />
      )}
    </>
  );
}

/** A word that begins near the end would run into the next column. */
function legible<T extends { at: number }>(all: readonly T[]): readonly T[] {
  return all.filter(({ at }) => at < 0.92);
}

function spans({ attempts, reused }: GanttRow, now: number) {
  const own = attempts.map(({ queued, started, ended }) => ({ from: queued ?? started ?? now, to: ended ?? now }));
  return reused ? [...own, { from: reused.at, to: reused.at }] : own;
}

function took({ attempts }: GanttRow, now: number): string {
  const worked = attempts.filter(({ started }) => started !== null);
  if (worked.length === 0) return "–";
  return duration(worked.reduce((sum, { started, ended }) => sum + (ended ?? now) - (started ?? now), 0));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
