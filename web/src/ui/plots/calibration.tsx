import { interval, percent, short } from "../../kernel/number";
import { Frame } from "./frame";
import "./plots.css";

export interface CalibrationBin {
  predicted: number;
  observed: number;
  low?: number | null;
  high?: number | null;
  rows: number;
}

interface CalibrationProps {
  bins: readonly CalibrationBin[];
  /** Of another model, drawn hollow. */
  against?: readonly CalibrationBin[];
  /** The end of both axes. */
  to?: number;
  height?: number;
}

/** Observed against predicted shares in bins of equal mass, with their intervals; honest scores lie on the diagonal. */
export function Calibration({ bins, against = [], to = 1, height = 280 }: CalibrationProps) {
  const unit = { from: 0, to };
  return (
    <Frame label={words(bins)} height={height} x={{ ...unit, label: "predicted" }} y={{ ...unit, label: "observed" }}>
      {(x, y) => (
        <>
          <line className="plot-diagonal" x1={x(0)} y1={y(0)} x2={x(to)} y2={y(to)} />
          {[...against.map((bin) => ({ bin, other: true })), ...bins.map((bin) => ({ bin, other: false }))].map(
            ({ bin, other }, i) => (
              <g key={i} className={other ? "plot-dot plot-dot-other" : "plot-dot"}>
                {bin.low != null && bin.high != null && (
                  <line x1={x(bin.predicted)} x2={x(bin.predicted)} y1={y(bin.low)} y2={y(bin.high)} />
                )}
                <circle cx={x(bin.predicted)} cy={y(bin.observed)} r={4}>
                  <title>{line(bin)}</title>
                </circle>
              </g>
            ),
          )}
        </>
      )}
    </Frame>
  );
}

function line({ predicted, observed, low, high, rows }: CalibrationBin): string {
  const range = low != null && high != null ? ` ${interval(low, high)}` : "";
  return `predicted ${percent(predicted)}, observed ${percent(observed)}${range}, ${short(rows)} rows`;
}

function words(bins: readonly CalibrationBin[]): string {
  return `Calibration in ${bins.length} bins: ${bins.map(line).join("; ")}`;
}
