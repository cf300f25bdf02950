import { type QueryKey, type UseQueryOptions, useQueries } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";

/** Rows of which not all are here yet. */
export interface Rows<Row> {
  total: number;
  at: (index: number) => Row | undefined;
  /** Told which rows are looked at, so that they can be fetched. */
  show?: (first: number, last: number) => void;
}

export type Scalar = string | number | boolean | null | undefined;

/** All rows, in the order that "loss" or "-loss" asks for; what has no value stands last either way. */
export function arranged<Row>(rows: readonly Row[], value: ((row: Row) => Scalar) | undefined, sort = ""): Rows<Row> {
  const order = value ? sorted(rows, value, sort.startsWith("-")) : rows;
  return { total: order.length, at: (index) => order[index] };
}

export function isArray<Row>(rows: readonly Row[] | Rows<Row>): rows is readonly Row[] {
  return Array.isArray(rows);
}

function sorted<Row>(rows: readonly Row[], value: (row: Row) => Scalar, descending: boolean): readonly Row[] {
  const keyed = rows.map((row, index) => ({ row, index, key: value(row) ?? null }));
  const missing = (key: Scalar) => key === null || Number.isNaN(key);
  keyed.sort((a, b) => {
    if (missing(a.key) || missing(b.key)) return Number(missing(a.key)) - Number(missing(b.key)) || a.index - b.index;
    const by = compare(a.key, b.key);
    return (descending ? -by : by) || a.index - b.index;
  });
  return keyed.map(({ row }) => row);
}

const words = new Intl.Collator("en", { numeric: true });

function compare(a: Scalar, b: Scalar): number {
  return typeof a === "string" && typeof b === "string" ? words.compare(a, b) : Number(a) - Number(b);
}

interface Pages<Row, Key extends QueryKey> {
  total: number;
  /** Rows in a page of the server. */
  size: number;
  /** The query of page n, counted from 0. */
  page: (n: number) => UseQueryOptions<readonly Row[], Error, readonly Row[], Key>;
}

/** Rows fetched page by page, half a page before they come into view. */
export function usePagedRows<Row, Key extends QueryKey>({ total, size, page }: Pages<Row, Key>): Rows<Row> {
  const [first, setFirst] = useState(0);
  const [last, setLast] = useState(0);
  const most = Math.max(0, Math.ceil(total / size) - 1);
  const numbers = useMemo(() => Array.from({ length: last - first + 1 }, (_, i) => first + i), [first, last]);
  const pages = useQueries({ queries: numbers.map((n) => page(n)) });
  const show = useCallback(
    (from: number, to: number) => {
      setFirst(Math.max(0, Math.floor(from / size - 0.5)));
      setLast(Math.min(most, Math.floor(to / size + 0.5)));
    },
    [size, most],
  );
  return { total, show, at: (index) => pages[Math.floor(index / size) - first]?.data?.[index % size] };
}
