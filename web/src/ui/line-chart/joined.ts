import { useEffect, useMemo, useState } from "react";
import { type Columns, type Joined, join, type Line, type PlainLine, type Range } from "./lines";

interface State {
  joined: Joined | undefined;
  /** Detail of a zoom is on its way. */
  busy: boolean;
  error: unknown;
}

const isHere = (line: Line): line is PlainLine => !("fetchRange" in line);

/** The points of all lines: those that are here at once, those of a server for the span and width in view. */
export function useJoined(lines: readonly Line[], range: Range | undefined, points: number): State {
  const here = useMemo(() => (lines.every(isHere) ? join(lines) : undefined), [lines]);
  const [there, setThere] = useState<State>({ joined: undefined, busy: true, error: null });
  const [low, high] = range ?? [-Infinity, Infinity];
  useEffect(() => {
    if (here || points === 0) return;
    const abort = new AbortController();
    setThere((before) => ({ ...before, busy: true }));
    Promise.all(lines.map((line) => columns(line, low, high, points, abort.signal)))
      .then((fetched) => setThere({ joined: join(fetched), busy: false, error: null }))
      .catch((error: unknown) => {
        if (!abort.signal.aborted) setThere((before) => ({ ...before, busy: false, error }));
      });
    return () => abort.abort();
  }, [here, lines, low, high, points]);
  return here ? { joined: here, busy: false, error: null } : there;
}

async function columns(line: Line, low: number, high: number, points: number, signal: AbortSignal): Promise<Columns> {
  if (isHere(line)) return line;
  const { x, lo, hi, mean } = await line.fetchRange(low, high, points, signal);
  return { x, lo, hi, y: mean };
}
