import type { KeyboardEvent } from "react";

interface RowKeys<Row> {
  virtual: { scrollToIndex: (index: number) => void; options: { count: number } };
  active: number;
  setActive: (index: number) => void;
  at: (index: number) => Row | undefined;
  onOpen: ((row: Row) => void) | undefined;
  toggle: ((row: Row) => void) | undefined;
}

/** How far each key moves within a list of `count`, from `active`. */
export function moved(key: string, active: number, count: number): number | undefined {
  const last = count - 1;
  const to: Record<string, number> = {
    j: active + 1,
    ArrowDown: active + 1,
    k: active - 1,
    ArrowUp: active - 1,
    PageDown: active + 15,
    PageUp: active - 15,
    Home: 0,
    End: last,
  };
  const next = to[key];
  return next === undefined ? undefined : Math.max(0, Math.min(last, next));
}

export function useRowKeys<Row>({ virtual, active, setActive, at, onOpen, toggle }: RowKeys<Row>) {
  return (event: KeyboardEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget || event.metaKey || event.ctrlKey || event.altKey) return;
    const next = moved(event.key, active, virtual.options.count);
    const row = at(active);
    if (next !== undefined) {
      setActive(next);
      virtual.scrollToIndex(next);
    } else if (event.key === "Enter" && row !== undefined && onOpen) onOpen(row);
    else if ((event.key === "x" || event.key === " ") && row !== undefined && toggle) toggle(row);
    else return;
    event.preventDefault();
  };
}
