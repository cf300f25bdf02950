import { FlexRender, type Header, type Table, type Row as TableRow } from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type MouseEvent, memo, type RefObject } from "react";
import type { Features, Slot } from "./columns";

export interface Picks<Row> {
  has: (row: Row) => boolean;
  toggle: (row: Row) => void;
}

interface HeadProps<Row> {
  table: Pick<Table<Features, Slot<Row>>, "getHeaderGroups">;
  picks: boolean;
}

export function Head<Row>({ table, picks }: HeadProps<Row>) {
  return (
    <div className="data-head" role="rowgroup">
      {table.getHeaderGroups().map((group) => (
        <div key={group.id} className="data-line" role="row" aria-rowindex={1}>
          {picks && (
            <div className="data-cell" role="columnheader">
              <span className="sr-only">Ticked</span>
            </div>
          )}
          {group.headers.map((header) => (
            <HeadCell key={header.id} header={header} />
          ))}
        </div>
      ))}
    </div>
  );
}

const ORDERS = { asc: "ascending", desc: "descending" } as const;

function HeadCell<Row>({ header }: { header: Header<Features, Slot<Row>, unknown> }) {
  const { column } = header;
  const order = column.getIsSorted();
  const Arrow = order === "asc" ? ArrowUp : ArrowDown;
  return (
    <div
      role="columnheader"
      className="data-cell"
      data-align={column.columnDef.meta?.align}
      aria-sort={order ? ORDERS[order] : undefined}
    >
      {column.getCanSort() ? (
        <button type="button" className="data-sort" onClick={column.getToggleSortingHandler()}>
          <FlexRender header={header} />
          <Arrow size={12} aria-hidden data-on={order !== false || undefined} />
        </button>
      ) : (
        <FlexRender header={header} />
      )}
    </div>
  );
}

/** What a line does, told anew at each rendering, so that a line itself need not be. */
export interface Acts<Row> {
  onOpen: ((row: Row) => void) | undefined;
  toggle: ((row: Row) => void) | undefined;
  point: (index: number) => void;
}

interface LineProps<Row> {
  id: string;
  line: TableRow<Features, Slot<Row>>;
  /** Pixels below the head. */
  start: number;
  active: boolean;
  /** Undefined where rows are not ticked. */
  picked: boolean | undefined;
  /** What the cells are made by: other columns, other cells. */
  columns: unknown;
  acts: RefObject<Acts<Row>>;
}

function AnyLine<Row>({ id, line, start, active, picked, acts }: LineProps<Row>) {
  const { index, row } = line.original;
  const onClick = (event: MouseEvent<HTMLElement>) => {
    acts.current.point(index);
    if (row !== undefined && !meansElse(event)) acts.current.onOpen?.(row);
  };
  return (
    <div
      id={id}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={picked}
      className="data-line data-row"
      data-active={active || undefined}
      data-opens={acts.current.onOpen && true}
      style={{ top: start }}
      onClick={onClick}
    >
      {picked !== undefined && (
        <div className="data-cell" role="gridcell">
          {row !== undefined && (
            <input
              type="checkbox"
              tabIndex={-1}
              aria-label={`Tick row ${index + 1}`}
              checked={picked}
              onChange={() => acts.current.toggle?.(row)}
            />
          )}
        </div>
      )}
      {line.getVisibleCells().map((cell) => (
        <div key={cell.column.id} role="gridcell" className="data-cell" data-align={cell.column.columnDef.meta?.align}>
          {row === undefined ? <span className="data-coming" /> : <FlexRender cell={cell} />}
        </div>
      ))}
    </div>
  );
}

/** Scrolling makes a table's rows anew though they are the same: only a line that differs is drawn again. */
export const Line = memo(AnyLine, (a, b) => {
  const [before, after] = [a.line.original, b.line.original];
  return (
    before.index === after.index &&
    before.row === after.row &&
    a.start === b.start &&
    a.active === b.active &&
    a.picked === b.picked &&
    a.columns === b.columns
  );
}) as typeof AnyLine;

/** A click on a link or control of the row, or the end of marking text, is not a wish to open the row. */
function meansElse(event: MouseEvent<HTMLElement>): boolean {
  const control = event.target instanceof Element && event.target.closest("a, button, input, label, select");
  return Boolean(control) || String(getSelection()) !== "";
}
