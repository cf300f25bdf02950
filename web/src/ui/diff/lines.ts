export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
  /** Line numbers in the old and the new text. */
  a?: number;
  b?: number;
}

/** Beyond so many differences the rest is shown as replaced whole: the exact answer would keep the page waiting. */
const PATIENCE = 1500;

/** The shortest way from one text to the other, by lines (Myers 1986). */
export function diffLines(a: string, b: string): DiffLine[] {
  const [old, young] = [a.split("\n"), b.split("\n")];
  let head = 0;
  while (head < old.length && head < young.length && old[head] === young[head]) head++;
  let tail = 0;
  const most = Math.min(old.length, young.length) - head;
  while (tail < most && old.at(-1 - tail) === young.at(-1 - tail)) tail++;
  const middle = myers(old.slice(head, old.length - tail), young.slice(head, young.length - tail));
  const steps = [...repeat("same", head), ...middle, ...repeat("same", tail)];
  let [i, j] = [0, 0];
  return steps.map((kind) => {
    if (kind === "removed") return { kind, text: old[i++] ?? "", a: i };
    if (kind === "added") return { kind, text: young[j++] ?? "", b: j };
    j++;
    return { kind, text: old[i++] ?? "", a: i, b: j };
  });
}

type Kind = DiffLine["kind"];

function repeat(kind: Kind, times: number): Kind[] {
  return new Array<Kind>(times).fill(kind);
}

function myers(a: readonly string[], b: readonly string[]): Kind[] {
  const most = Math.min(a.length + b.length, PATIENCE);
  const reach = new Map<number, number>([[1, 0]]);
  const trail: Map<number, number>[] = [];
  for (let d = 0; d <= most; d++) {
    trail.push(new Map(reach));
    for (let k = -d; k <= d; k += 2) {
      let x = down(reach, k, d) ? at(reach, k + 1) : at(reach, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(trail, a.length, b.length);
    }
  }
  return [...repeat("removed", a.length), ...repeat("added", b.length)];
}

function walkBack(trail: readonly Map<number, number>[], x: number, y: number): Kind[] {
  const steps: Kind[] = [];
  for (let d = trail.length - 1; d >= 0; d--) {
    const reach = trail[d] ?? new Map<number, number>();
    const k = x - y;
    const before = down(reach, k, d) ? k + 1 : k - 1;
    const from = at(reach, before);
    while (x > from && y > from - before && x > 0 && y > 0) {
      steps.push("same");
      x--;
      y--;
    }
    if (d > 0) steps.push(x === from ? "added" : "removed");
    x = from;
    y = from - before;
  }
  return steps.reverse();
}

function down(reach: ReadonlyMap<number, number>, k: number, d: number): boolean {
  return k === -d || (k !== d && at(reach, k - 1) < at(reach, k + 1));
}

function at(reach: ReadonlyMap<number, number>, k: number): number {
  return reach.get(k) ?? 0;
}

/** Runs of lines; what is the same far from any change is one fold. */
export function hunks(lines: readonly DiffLine[], context = 3): (DiffLine[] | { folded: number })[] {
  const near = lines.map(() => false);
  lines.forEach(({ kind }, i) => {
    if (kind !== "same") near.fill(true, Math.max(0, i - context), i + context + 1);
  });
  const found: (DiffLine[] | { folded: number })[] = [];
  lines.forEach((line, i) => {
    const last = found.at(-1);
    if (near[i]) Array.isArray(last) ? last.push(line) : found.push([line]);
    else if (last && !Array.isArray(last)) last.folded++;
    else found.push({ folded: 1 });
  });
  return found;
}
