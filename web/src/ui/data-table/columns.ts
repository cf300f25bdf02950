import type { ReactNode } from "react";
import { NARROW } from "../size";
import type { Scalar } from "./rows";

export interface Column<Row> {
  id: string;
  head: string;
  cell: (row: Row) => ReactNode;
  /** Pixels; what a column that grows has at least. 120 unless told. */
  width?: number;
  grow?: boolean;
  /** Left out where there is no room for it. */
  minor?: boolean;
  align?: "end";
  /** What an array is sorted by here; `true` says that the server sorts by the column's id. */
  sort?: ((row: Row) => Scalar) | true;
}

/** The order after a click on a column's head: of numbers the largest first, of words the first; then the other way; then none. */
export function turned(sort: string | undefined, { id, align }: { id: string; align?: "end" }): string | undefined {
  const ways = align === "end" ? [`-${id}`, id] : [id, `-${id}`];
  return ways[ways.indexOf(sort ?? "") + 1];
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

/** The columns that a narrow place has room for: the last of those that matter less is left out first. */
export function fitting<Row>(columns: readonly Column<Row>[], room: number, picks: boolean): readonly Column<Row>[] {
  let left = room - (picks ? PICK : 0) - columns.reduce((sum, { width = 120 }) => sum + width, 0);
  if (room === 0 || room >= NARROW) return columns;
  const kept = columns.toReversed().filter(({ minor, width = 120 }) => {
    const fits = !minor || left >= 0;
    if (!fits) left += width;
    return fits;
  });
  return kept.reverse();
}

const PICK = 36;
