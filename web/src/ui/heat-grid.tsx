import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import { short } from "../kernel/number";
import "./heat-grid.css";

export interface HeatCell {
  /** Null where there is no data: hatched. */
  value: number | null;
  /** Holds after correction for many tests: marked by a dot. */
  significant?: boolean;
  /** Rests on too few rows: only an outline. */
  thin?: boolean;
  /** All about the cell, in words. */
  title?: string;
}

interface HeatGridProps {
  label: string;
  rows: readonly { key: string; label: ReactNode; name: string }[];
  columns: readonly { key: string; label: string }[];
  cell: (row: number, column: number) => HeatCell;
  /** The value that gets the last colour. */
  top: number;
  /** What the value is: "effect size". */
  measure: string;
  onOpen?: (row: number, column: number) => void;
}

/** Effect sizes of many things over many windows; arrows move, Enter opens a cell. */
export function HeatGrid({ label, rows, columns, cell, top, measure, onOpen }: HeatGridProps) {
  const [[row, column], setActive] = useState<readonly [number, number]>([0, 0]);
  const every = Math.ceil(columns.length / 16);
  const table = useRef<HTMLTableElement>(null);
  const focus = (to: readonly [number, number]) => {
    setActive(to);
    table.current?.querySelector<HTMLElement>(`[data-at="${to.join()}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = neighbour(event.key, [row, column], [rows.length, columns.length]);
    if (!to) return;
    event.preventDefault();
    focus(to);
  };
  return (
    <div className="heat">
      <div className="heat-frame">
        <table ref={table} role="grid" aria-label={label} onKeyDown={onKeyDown}>
          <thead>
            <tr>
              <td />
              {columns.map(({ key, label: text }, j) => (
                <th key={key} scope="col">
                  <span className={j % every === 0 ? "heat-tick" : "sr-only"}>{text}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, label: text, name }, i) => (
              <tr key={key}>
                <th scope="row">{text}</th>
                {columns.map((at, j) => (
                  <HeatBox
                    key={at.key}
                    cell={cell(i, j)}
                    top={top}
                    name={`${name}, ${at.label}`}
                    at={`${i},${j}`}
                    active={i === row && j === column}
                    onOpen={() => {
                      setActive([i, j]);
                      onOpen?.(i, j);
                    }}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Legend top={top} measure={measure} />
    </div>
  );
}

interface HeatBoxProps {
  cell: HeatCell;
  top: number;
  name: string;
  at: string;
  active: boolean;
  onOpen: () => void;
}

function HeatBox({ cell: { value, significant, thin, title }, top, name, at, active, onOpen }: HeatBoxProps) {
  const words = title ?? `${name}: ${value === null ? "no data" : short(value)}`;
  const look = value === null ? "none" : thin ? "thin" : undefined;
  const colour = value === null ? undefined : heat(value / (top || 1));
  return (
    <td role="gridcell">
      <button
        type="button"
        className="heat-box"
        data-at={at}
        data-look={look}
        tabIndex={active ? 0 : -1}
        aria-label={significant ? `${words}, significant` : words}
        title={words}
        style={look === "thin" ? { borderColor: colour } : { background: colour }}
        onClick={onOpen}
      >
        {significant && <span aria-hidden />}
      </button>
    </td>
  );
}

function Legend({ top, measure }: { top: number; measure: string }) {
  return (
    <p className="heat-legend">
      {measure} 0
      <span className="heat-scale" aria-hidden>
        {Array.from({ length: 12 }, (_, i) => (
          <span key={i} style={{ background: heat(i / 11) }} />
        ))}
      </span>
      {short(top)} and more
      <span className="heat-box" aria-hidden style={{ background: heat(0.5) }}>
        <span />
      </span>
      significant
      <span className="heat-box" aria-hidden data-look="thin" /> few rows
      <span className="heat-box" aria-hidden data-look="none" /> no data
    </p>
  );
}

/** A share of the scale as a colour of viridis, mixed between its two nearest tokens. */
export function heat(share: number): string {
  const place = Math.max(0, Math.min(1, share)) * 5;
  const below = Math.min(4, Math.floor(place));
  return `color-mix(in oklab, var(--seq-${below + 1}) ${Math.round((place - below) * 100)}%, var(--seq-${below}))`;
}

type Place = readonly [number, number];

export function neighbour(key: string, [row, column]: Place, [rows, columns]: Place): Place | undefined {
  const moves: Record<string, Place> = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [row, 0],
    End: [row, columns - 1],
  };
  const to = moves[key];
  const within = (value: number, many: number) => Math.max(0, Math.min(many - 1, value));
  return to && [within(to[0], rows), within(to[1], columns)];
}
