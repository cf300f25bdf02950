import { choice, number, text } from "../../kernel/url";
import { useDraft } from "../../ui/draft";
import type { FetchedLine } from "../../ui/line-chart/lines";
import { Segments } from "../../ui/tabs";
import { smooth } from "./smooth";

/** How curves are looked at: which, how smooth, on which scale. */
export const CURVE_FIELDS = { find: text(), smooth: number(0), scale: choice("linear", "log") };
export interface CurveLook {
  find: string;
  /** What remains of the past, 0 to 0.99. */
  smooth: number;
  scale: "linear" | "log";
}

const FINDABLE = 6;
const MOST = 0.99;
const SCALES = [
  { value: "linear", text: "Linear" },
  { value: "log", text: "Log" },
] as const;

interface CurveToolsProps {
  look: CurveLook;
  onLook: (look: Partial<CurveLook>) => void;
  /** Of how many a few are looked for. */
  of?: number;
  /** Small plots of many runs have no scale of their own. */
  scaled?: boolean;
}

export function CurveTools({ look, onLook, of = 0, scaled = true }: CurveToolsProps) {
  const [find, setFind] = useDraft(look.find, (next) => onLook({ find: next }));
  const weight = weightOf(look);
  return (
    <>
      {of > FINDABLE && (
        <input
          type="search"
          className="curve-find"
          aria-label="Filter metrics"
          placeholder="Filter metrics"
          value={find}
          onChange={(event) => setFind(event.target.value)}
        />
      )}
      <label className="curve-smooth">
        Smooth
        <input
          type="range"
          min={0}
          max={MOST}
          step={0.01}
          value={weight}
          aria-valuetext={weight ? `${weight} of the past` : "not at all"}
          onChange={(event) => onLook({ smooth: Number(event.target.value) })}
        />
        <output>{weight.toFixed(2)}</output>
      </label>
      {scaled && <Segments label="Scale" items={SCALES} value={look.scale} onChange={(scale) => onLook({ scale })} />}
    </>
  );
}

export function weightOf({ smooth: weight }: CurveLook): number {
  return Math.min(MOST, Math.max(0, weight));
}

/** The names that hold every word. */
export function matching<Named>(all: readonly Named[], find: string, nameOf: (one: Named) => string): readonly Named[] {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0 ? all : all.filter((one) => words.every((w) => nameOf(one).toLowerCase().includes(w)));
}

const ORDER = new Intl.Collator("en", { numeric: true });

/** As people count: `layer_2` before `layer_10`. */
export const naturally = (a: string, b: string) => ORDER.compare(a, b);

/** The line as smooth as that, what was measured faint behind it. */
export function smoothed(line: FetchedLine, weight: number): FetchedLine {
  if (weight === 0) return line;
  return {
    ...line,
    edges: true,
    fetchRange: async (...span) => {
      const found = await line.fetchRange(...span);
      return { ...found, mean: smooth(found.mean, weight) };
    },
  };
}
