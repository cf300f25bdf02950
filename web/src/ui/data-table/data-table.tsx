import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { Empty } from "../empty";
import { useWidth } from "../size";
import { type Column, fitting, widths } from "./columns";
import { useLeaps, useRange } from "./leaps";
import { type Acts, Head, Line, type Picks } from "./lines";
import { useRowKeys } from "./row-keys";
import { arranged, isArray, type Rows } from "./rows";
import "./data-table.css";

interface DataTableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  /** All rows, or rows that come page by page (`usePagedRows`). */
  rows: readonly Row[] | Rows<Row>;
  rowKey: (row: Row) => string;
  /** "loss" or "-loss": keep it in the page's search params. */
  sort?: string | undefined;
  onSort?: (sort: string | undefined) => void;
  /** Ids of columns that are not shown. */
  hidden?: readonly string[];
  /** Enter, or a click beside the links of the row. */
  onOpen?: (row: Row) => void;
  /** Keys of the rows that are ticked; with `onSelect` each row has a box, and x ticks it. */
  selected?: ReadonlySet<string>;
  onSelect?: (selected: ReadonlySet<string>) => void;
  /** Called when the last rows come into view, to fetch the next page of a cursor. */
  onEnd?: () => void;
  /** Tallest that the table grows before it scrolls, in CSS. */
  maxHeight?: string;
  empty?: ReactNode;
}

const HEAD_HEIGHT = 34;
const NONE: readonly string[] = [];

/** A sorted, virtual table that is walked by keyboard: j and k or arrows move, Enter opens, x ticks. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const rows = useRows(props);
  if (rows.total === 0) return props.empty ?? <Empty title="Nothing here" />;
  return <Filled {...props} rows={rows} />;
}

function Filled<Row>(props: DataTableProps<Row> & { rows: Rows<Row> }) {
  const { label, columns, rows, sort, onSort, hidden = NONE, onOpen, maxHeight } = props;
  const id = useId();
  const [frame, width] = useWidth();
  const [active, setActive] = useState(0);
  const virtual = useVirtualizer({
    count: rows.total,
    getScrollElement: () => frame.current,
    estimateSize: rowHeight,
    overscan: 8,
    rangeExtractor: useRange(),
    scrollPaddingStart: HEAD_HEIGHT,
  });
  const items = virtual.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  useSight(rows, first, last, props.onEnd);
  const { keyOf, ...focus } = useLeaps({ first, last, active, frame, point: setActive });
  const picks = usePicks(props);
  const acts = useRef<Acts<Row>>({ onOpen, toggle: picks?.toggle, point: setActive });
  acts.current = { onOpen, toggle: picks?.toggle, point: setActive };
  const ticks = picks !== undefined;
  const wanted = useMemo(() => columns.filter(({ id }) => !hidden.includes(id)), [columns, hidden]);
  const shown = useMemo(() => fitting(wanted, width, ticks), [wanted, width, ticks]);
  const onKeyDown = useRowKeys({ virtual, active, setActive, at: rows.at, onOpen, toggle: picks?.toggle });
  const style = { ...widths(shown, ticks), maxHeight } as CSSProperties;
  return (
    <div
      ref={frame}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.total + 1}
      aria-activedescendant={`${id}-${active}`}
      aria-multiselectable={picks && true}
      tabIndex={0}
      className="data-table"
      style={style}
      onKeyDown={onKeyDown}
      {...focus}
    >
      <Head columns={shown} picks={ticks} sort={sort} onSort={onSort} />
      <div className="data-rows" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, start }) => {
          const row = rows.at(index);
          return (
            <Line
              key={keyOf(index)} // not of the row: what was on its way becomes what came, in the same place
              id={`${id}-${index}`}
              {...{ index, row, start, acts }}
              active={index === active}
              picked={picks && row !== undefined ? picks.has(row) : picks && false}
              columns={shown}
            />
          );
        })}
      </div>
    </div>
  );
}

/** Rows are taller where a finger points at them; the same as --row in tokens.css. */
function rowHeight(): number {
  return matchMedia("(pointer: coarse)").matches ? 44 : 32;
}

function useRows<Row>({ rows, columns, sort = "" }: DataTableProps<Row>): Rows<Row> {
  return useMemo(() => {
    if (!isArray(rows)) return rows;
    const by = columns.find((column) => column.id === sort.replace(/^-/, ""))?.sort;
    return arranged(rows, typeof by === "function" ? by : undefined, sort);
  }, [rows, columns, sort]);
}

function useSight<Row>(rows: Rows<Row>, first: number, last: number, onEnd: (() => void) | undefined) {
  const { show, total } = rows;
  useEffect(() => show?.(first, last), [show, first, last]);
  useEffect(() => {
    if (last > 0 && last >= total - 1) onEnd?.();
  }, [last, total, onEnd]);
}

const NO_KEYS: ReadonlySet<string> = new Set();

function usePicks<Row>({ selected = NO_KEYS, onSelect, rowKey }: DataTableProps<Row>): Picks<Row> | undefined {
  if (!onSelect) return undefined;
  const toggle = (row: Row) => {
    const next = new Set(selected);
    if (!next.delete(rowKey(row))) next.add(rowKey(row));
    onSelect(next);
  };
  return { has: (row) => selected.has(rowKey(row)), toggle };
}
