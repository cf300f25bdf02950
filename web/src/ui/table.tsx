import { createContext, type ReactNode, use } from "react";
import { useOverflow } from "./size";
import "./table.css";

export interface TableColumn<Row> {
  head: ReactNode;
  cell: (row: Row) => ReactNode;
  /** The head is for screen readers alone. */
  quiet?: boolean;
  /** Numbers stand at the end of their column. */
  align?: "end";
  /** Takes what width is left; the text may wrap. */
  grow?: boolean;
  /** Left out of the cards that rows are in a narrow place. */
  minor?: boolean;
}

interface TableProps<Row> {
  /** What the table holds, for screen readers. */
  label: string;
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row, index: number) => string | number;
  /** Marks a row, such as the one in production. */
  marked?: (row: Row) => boolean;
  empty?: ReactNode;
  /** Rows of data, of whatever width: they are scrolled rather than stacked where there is no room. */
  raw?: boolean;
}

/** A small static table; DataTable is for what is sorted, long or walked by keyboard. In a narrow place each row is a card. */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, rowKey, marked, empty = "Nothing yet.", raw = false } = props;
  return (
    <TableFrame label={label} stacks={!raw}>
      <table className="table" aria-label={label}>
        <thead hidden={rows.length === 0}>
          <tr>
            {columns.map((column, i) => (
              <th key={i} scope="col" data-align={column.align} data-grow={column.grow}>
                {column.quiet ? <span className="sr-only">{column.head}</span> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={rowKey(row, i)} data-marked={marked?.(row) || undefined}>
              {columns.map((column, j) => {
                const { align, grow, minor, head } = column;
                const acts = (column.quiet && j > 0 && j === columns.length - 1) || undefined;
                return (
                  <td key={j} data-align={align} data-grow={grow} data-minor={minor} data-acts={acts}>
                    <StackedHead>{j > 0 && !acts && head}</StackedHead>
                    {column.cell(row)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p className="table-empty">{empty}</p>}
    </TableFrame>
  );
}

const Stacked = createContext(false);

/** What a cell is about, in the cell: where rows are cards no head stands above them. */
export function StackedHead({ children }: { children: ReactNode }) {
  return use(Stacked) && children ? <span className="table-head">{children}</span> : null;
}

interface FrameProps {
  label: string;
  /** Where a narrow place has no room for the columns, rows become cards; their cells have a `StackedHead`. */
  stacks?: boolean;
  children: ReactNode;
}

/** Scrolls a table that is wider than its place, and can be reached by keyboard when it does. */
export function TableFrame({ label, stacks = false, children }: FrameProps) {
  const { ref, wide, scrolls, narrow } = useOverflow(stacks);
  const stacked = stacks && wide && narrow;
  const region = scrolls && !stacked && { tabIndex: 0, role: "region", "aria-label": label };
  return (
    <div ref={ref} className="table-frame" data-stacked={stacked || undefined} {...region}>
      <Stacked value={stacked}>{children}</Stacked>
    </div>
  );
}
