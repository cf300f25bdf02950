import {
  type ColumnDef,
  columnVisibilityFeature,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
} from "@tanstack/react-table";
import type { ReactNode } from "react";
import type { Scalar } from "./rows";

export interface Column<Row> {
  id: string;
  head: string;
  cell: (row: Row) => ReactNode;
  /** Pixels; what a column that grows has at least. 120 unless told. */
  width?: number;
  grow?: boolean;
  align?: "end";
  /** What an array is sorted by here; `true` says that the server sorts by the column's id. */
  sort?: ((row: Row) => Scalar) | true;
}

/** The place of a row and, once it has come, the row. */
export interface Slot<Row> {
  index: number;
  row: Row | undefined;
}

interface Meta {
  align?: "end";
}

export const features = tableFeatures({ rowSortingFeature, columnVisibilityFeature, columnMeta: {} as Meta });
export type Features = typeof features;

export function definitions<Row>(columns: readonly Column<Row>[]): ColumnDef<Features, Slot<Row>>[] {
  return columns.map(({ id, head, cell, align, sort }) => ({
    id,
    header: head,
    accessorFn: ({ index }: Slot<Row>) => index,
    cell: ({ row: { original } }) => original.row !== undefined && cell(original.row),
    enableSorting: sort !== undefined,
    // Of numbers the largest is asked for first, of words the first.
    sortDescFirst: align === "end",
    meta: align ? { align } : {},
  }));
}

export function toSorting(sort: string | undefined): SortingState {
  return sort ? [{ id: sort.replace(/^-/, ""), desc: sort.startsWith("-") }] : [];
}

export function fromSorting([by]: SortingState): string | undefined {
  return by && (by.desc ? `-${by.id}` : by.id);
}

/** The widths of all columns as a grid template: equal in the head and in each row without measuring any. */
export function widths<Row>(columns: readonly Column<Row>[], picks: boolean) {
  const own = columns.map(({ width = 120 }) => width);
  const tracks = columns.map(({ width = 120, grow }) => (grow ? `minmax(${width}px, 1fr)` : `${width}px`));
  if (!columns.some((column) => column.grow)) tracks.push("1fr");
  if (picks) {
    own.push(PICK);
    tracks.unshift(`${PICK}px`);
  }
  return { "--columns": tracks.join(" "), "--width": `${own.reduce((sum, width) => sum + width, 0)}px` };
}

const PICK = 36;
