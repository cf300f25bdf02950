import { Fragment, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { short } from "../kernel/number";
import { useDrawn } from "./heat-window";
import "./heat-grid.css";

export interface HeatCell {
  /** Null where there is no data: hatched. */
  value: number | null;
  /** Holds after correction for many tests: marked by a dot. */
  significant?: boolean;
  /** Beyond its limit as well: marked by a diamond. */
  alarm?: boolean;
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
  /** What a diamond says; without it there are none. */
  alarm?: string;
  onOpen?: (row: number, column: number) => void;
  /** The cell whose content is shown beside. */
  opened?: readonly [row: number, column: number] | undefined;
}

/** Pixels from one column to the next, and from one row to the next; rows are higher where a finger points at them. As in the style. */
const STEP = 26;
const stepDown = () => (matchMedia("(pointer: coarse)").matches ? 42 : STEP);

/** Effect sizes of many things over many windows; arrows move, Enter opens a cell. Of very many only the rows in view are drawn. */
export function HeatGrid({ label, rows, columns, cell, top, measure, alarm, onOpen, opened }: HeatGridProps) {
  const [moved, setActive] = useState<readonly [number, number]>();
  const [row, column] = moved ?? opened ?? [0, 0];
  const longest = Math.max(0, ...columns.map(({ label: text }) => text.length));
  const every = Math.max(Math.ceil(columns.length / 16), Math.ceil((longest * 8 + 4) / STEP));
  const body = useRef<HTMLTableSectionElement>(null);
  const inView = useDrawn(body, [rows.length, columns.length], row, stepDown());
  useEffect(() => {
    if (moved) body.current?.querySelector<HTMLElement>(`[data-at="${moved.join()}"]`)?.focus();
  }, [moved]);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = neighbour(event.key, [row, column], [rows.length, columns.length]);
    if (!to) return;
    event.preventDefault();
    setActive(to);
  };
  return (
    <div className="heat">
      <div className="heat-frame">
        <table
          role="grid"
          aria-label={label}
          aria-rowcount={rows.length + 1}
          aria-colcount={columns.length + 1}
          onKeyDown={onKeyDown}
        >
          <thead>
            <tr aria-rowindex={1}>
              <td />
              {columns.map(({ key, label: text }, j) => (
                <th key={key} scope="col">
                  <span className={j % every === 0 ? "heat-tick" : "sr-only"}>{text}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody ref={body}>
            {inView.rows.map(({ row: i, before }) => (
              <Fragment key={rows[i]?.key}>
                <Room rows={before} />
                <tr aria-rowindex={i + 2}>
                  <th scope="row">{rows[i]?.label}</th>
                  {columns.map((at, j) => (
                    <HeatBox
                      key={at.key}
                      cell={cell(i, j)}
                      top={top}
                      name={`${rows[i]?.name}, ${at.label}`}
                      at={`${i},${j}`}
                      active={i === row && j === column}
                      opened={i === opened?.[0] && j === opened[1]}
                      onOpen={() => {
                        setActive([i, j]);
                        onOpen?.(i, j);
                      }}
                    />
                  ))}
                </tr>
              </Fragment>
            ))}
            <Room rows={inView.after} />
          </tbody>
        </table>
      </div>
      <Legend top={top} measure={measure} alarm={alarm} />
    </div>
  );
}

/** The room of rows that are not drawn. */
function Room({ rows }: { rows: number }) {
  return rows > 0 && <tr aria-hidden style={{ height: rows * stepDown() }} />;
}

interface HeatBoxProps {
  cell: HeatCell;
  top: number;
  name: string;
  at: string;
  active: boolean;
  opened: boolean;
  onOpen: () => void;
}

function HeatBox({ cell, top, name, at, active, opened, onOpen }: HeatBoxProps) {
  const { value, significant, alarm, thin, title } = cell;
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
        aria-label={alarm ? `${words}, alarm` : significant ? `${words}, significant` : words}
        aria-pressed={opened || undefined}
        title={words}
        style={look === "thin" ? { borderColor: colour } : { background: colour }}
        onClick={onOpen}
      >
        {(significant || alarm) && <span aria-hidden data-mark={alarm ? "alarm" : undefined} />}
      </button>
    </td>
  );
}

function Legend({ top, measure, alarm }: { top: number; measure: string; alarm: string | undefined }) {
  return (
    <p className="heat-legend">
      <span>
        {measure} 0
        <span className="heat-scale" aria-hidden>
          {Array.from({ length: 12 }, (_, i) => (
            <span key={i} style={{ background: heat(i / 11) }} />
          ))}
        </span>
        {short(top)} and more
      </span>
      <Key text="significant after correction" background={heat(0.5)}>
        <span />
      </Key>
      {alarm && (
        <Key text={alarm} background={heat(0.5)}>
          <span data-mark="alarm" />
        </Key>
      )}
      <Key text="few rows" look="thin" />
      <Key text="no data" look="none" />
    </p>
  );
}

interface KeyProps {
  text: string;
  look?: "thin" | "none";
  background?: string;
  children?: ReactNode;
}

function Key({ text, look, background, children }: KeyProps) {
  return (
    <span>
      <span className="heat-box" aria-hidden data-look={look} style={{ background }}>
        {children}
      </span>
      {text}
    </span>
  );
}

/** A share of the scale as a colour, mixed between its two nearest tokens. */
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
