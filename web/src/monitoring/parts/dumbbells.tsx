import { percent } from "../../kernel/number";
import { linear } from "../../ui/plots/scale";
import { useWidth } from "../../ui/size";

interface DumbbellsProps {
  label: string;
  rows: readonly { label: string; reference: number; window: number }[];
  /** How many categories changed less. */
  others: number;
}

/** Shares of categories then (hollow) and now (filled), below each other on one axis from zero. */
export function Dumbbells({ label, rows, others }: DumbbellsProps) {
  const [ref, width] = useWidth();
  const top = Math.max(...rows.flatMap(({ reference, window }) => [reference, window]), 0.01);
  const x = linear([0, top], [6, Math.max(7, width - 6)]);
  return (
    <div className="dumbbells">
      <ul aria-label={label}>
        {rows.map(({ label: name, reference, window }, i) => (
          <li key={name} title={`${name}: ${percent(window)} now, ${percent(reference)} in the reference`}>
            <span className="dumbbell-name">{name}</span>
            <div ref={i === 0 ? ref : undefined} className="dumbbell-track">
              <svg width={width} height={20} aria-hidden>
                <line className="plot-grid" x1={6} x2={Math.max(6, width - 6)} y1={10} y2={10} />
                <line className="dumbbell-way" x1={x(reference)} x2={x(window)} y1={10} y2={10} />
                <circle className="dumbbell-then" cx={x(reference)} cy={10} r={4} />
                <circle className="dumbbell-now" cx={x(window)} cy={10} r={4} />
              </svg>
            </div>
            <span className="dumbbell-value">
              {percent(reference)} → {percent(window)}
            </span>
          </li>
        ))}
      </ul>
      {others > 0 && <p className="muted">{others} other categories changed less.</p>}
    </div>
  );
}
