import type { ReactNode } from "react";
import { useOverflow } from "./size";
import "./table.css";

export interface TableColumn<Row> {
  head: ReactNode;
  cell: (row: Row) => ReactNode;
  /** Numbers stand at the end of their column. */
  align?: "end";
  /** Takes what width is left; the text may wrap. */
  grow?: boolean;
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
}

/** A small static table; DataTable is for what is sorted, long or walked by keyboard. */
export function Table<Row>({ label, columns, rows, rowKey, marked, empty = "Nothing yet." }: TableProps<Row>) {
  return (
    <TableFrame label={label}>
      <table className="table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((column, i) => (
              <th key={i} scope="col" data-align={column.align} data-grow={column.grow}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={rowKey(row, i)} data-marked={marked?.(row) || undefined}>
              {columns.map((column, j) => (
                <td key={j} data-align={column.align} data-grow={column.grow}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p className="table-empty">{empty}</p>}
    </TableFrame>
  );
}

/** Scrolls a table that is wider than its place, and can be reached by keyboard when it does. */
export function TableFrame({ label, children }: { label: string; children: ReactNode }) {
  const [frame, overflows] = useOverflow();
  return (
    <div ref={frame} className="table-frame" {...(overflows && { tabIndex: 0, role: "region", "aria-label": label })}>
      {children}
    </div>
  );
}
