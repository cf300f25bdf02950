import { Table } from "../../ui/table";
import { arranged, cellText, LINE, type Row, type Scalar } from "../checks";
import "./records.css";

interface RecordsProps {
  label: string;
  rows: readonly Row[];
  /** The columns that the rows are shown for: they stand first, and are marked. */
  marked?: readonly string[];
  /** The columns that follow those. */
  identity?: readonly string[];
  /** The order of the others. */
  schema?: readonly string[];
}

const NONE: readonly string[] = [];

/** Rows of a dataset as they are. */
export function Records({ label, rows, marked = NONE, identity = NONE, schema = NONE }: RecordsProps) {
  const columns = arranged(rows, [...marked, ...identity], schema);
  const lines = rows.some((row) => LINE in row);
  const shown = columns.map((column) => ({
    head: marked.includes(column) ? <strong>{column}</strong> : column,
    cell: (row: Row) => <Cell value={row[column]} marked={marked.includes(column)} />,
    ...(isNumeric(rows, column) && { align: "end" as const }),
  }));
  const line = { head: "Line", cell: (row: Row) => <span className="muted">{row[LINE]}</span>, align: "end" as const };
  return (
    <Table
      label={label}
      columns={lines ? [line, ...shown] : shown}
      rows={rows}
      rowKey={(_, i) => i}
      raw
      empty="No rows to show."
    />
  );
}

function isNumeric(rows: readonly Row[], column: string): boolean {
  const value = rows.find((row) => row[column] !== null)?.[column];
  return typeof value === "number";
}

function Cell({ value, marked }: { value: Scalar | undefined; marked: boolean }) {
  const text = cellText(value);
  const nothing = value === null || value === undefined;
  return (
    <span
      className={marked ? "records-marked" : nothing ? "muted" : undefined}
      title={String(value) === text ? undefined : String(value)}
    >
      {text}
    </span>
  );
}
