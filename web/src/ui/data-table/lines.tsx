import { ArrowDown, ArrowUp } from "lucide-react";
import { type MouseEvent, memo, type RefObject } from "react";
import { type Column, turned } from "./columns";

export interface Picks<Row> {
  has: (row: Row) => boolean;
  toggle: (row: Row) => void;
}

interface HeadProps<Row> {
  columns: readonly Column<Row>[];
  picks: boolean;
  sort: string | undefined;
  /** Undefined where the order is not to be changed. */
  onSort: ((sort: string | undefined) => void) | undefined;
}

function AnyHead<Row>({ columns, picks, sort, onSort }: HeadProps<Row>) {
  return (
    <div className="data-head" role="rowgroup">
      <div className="data-line" role="row" aria-rowindex={1}>
        {picks && (
          <div className="data-cell" role="columnheader">
            <span className="sr-only">Ticked</span>
          </div>
        )}
        {columns.map((column) => (
          <HeadCell key={column.id} column={column} sort={sort} onSort={onSort} />
        ))}
      </div>
    </div>
  );
}

export const Head = memo(AnyHead) as typeof AnyHead;

type HeadCellProps<Row> = Pick<HeadProps<Row>, "sort" | "onSort"> & { column: Column<Row> };

function HeadCell<Row>({ column, sort, onSort }: HeadCellProps<Row>) {
  const { id, head, align } = column;
  const order = sort === id ? "ascending" : sort === `-${id}` ? "descending" : undefined;
  const Arrow = order === "ascending" ? ArrowUp : ArrowDown;
  return (
    <div role="columnheader" className="data-cell" data-align={align} aria-sort={order}>
      {column.sort && onSort ? (
        <button type="button" className="data-sort" onClick={() => onSort(turned(sort, column))}>
          {head}
          <Arrow size={12} aria-hidden data-on={order !== undefined || undefined} />
        </button>
      ) : (
        head
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
  index: number;
  /** Undefined until it has come. */
  row: Row | undefined;
  /** Pixels below the head. */
  start: number;
  active: boolean;
  /** Undefined where rows are not ticked. */
  picked: boolean | undefined;
  columns: readonly Column<Row>[];
  acts: RefObject<Acts<Row>>;
}

function AnyLine<Row>({ id, index, row, start, active, picked, columns, acts }: LineProps<Row>) {
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
            <label className="data-tick">
              <input
                type="checkbox"
                tabIndex={-1}
                aria-label={`Tick row ${index + 1}`}
                checked={picked}
                onChange={() => acts.current.toggle?.(row)}
              />
            </label>
          )}
        </div>
      )}
      {columns.map(({ id: column, align, cell }) => (
        <div key={column} role="gridcell" className="data-cell" data-align={align}>
          {row === undefined ? <span className="data-coming" /> : cell(row)}
        </div>
      ))}
    </div>
  );
}

/** While a table is scrolled most of its lines stay as they are: only one that differs is drawn again. */
export const Line = memo(AnyLine) as typeof AnyLine;

/** A click on a link or control of the row, or the end of marking text, is not a wish to open the row. */
function meansElse(event: MouseEvent<HTMLElement>): boolean {
  const control = event.target instanceof Element && event.target.closest("a, button, input, label, select");
  return Boolean(control) || String(getSelection()) !== "";
}
