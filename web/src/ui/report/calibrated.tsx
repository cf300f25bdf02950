import type { Schema } from "../../kernel/api/types";
import { Card } from "../card";
import { Calibration, type CalibrationBin } from "../plots/calibration";
import { Scores } from "./scores";

interface CalibratedProps {
  figures: Schema<"Figures">;
  /** Of another model on the same rows, drawn hollow, and how it is called. */
  against?: { name: string; bins: readonly Schema<"ostinato.evaluation.types.Bin">[] } | undefined;
}

/** Do scores mean what they say, and how are they spread? */
export function Calibrated({ figures: { calibration, evaluation }, against }: CalibratedProps) {
  const bins = calibration.map(
    ({ predicted, observed, rows }): CalibrationBin => ({
      predicted,
      observed: observed.value ?? 0,
      low: observed.low,
      high: observed.high,
      rows,
    }),
  );
  const others = against?.bins.map((bin) => ({ predicted: bin.mean_score, observed: bin.rate, rows: bin.rows })) ?? [];
  const reach = [...bins, ...others].flatMap((bin) => [bin.predicted, bin.observed]);
  const { threshold, threshold_from } = evaluation.report;
  return (
    <div className="grid">
      <Card title="Calibration" note={against ? `hollow: ${against.name}` : "95 % intervals"}>
        <Calibration bins={bins} against={others} to={roundUp(reach)} />
      </Card>
      <Card title="Scores" note={`the area is the share of rows; threshold ${threshold_from}`}>
        <Scores
          bins={calibration}
          threshold={threshold}
          to={roundUp([threshold, ...calibration.map((bin) => bin.high)])}
          height={280}
        />
      </Card>
    </div>
  );
}

/** The next tenth above all, for the end of an axis of shares. */
function roundUp(values: readonly number[]): number {
  return Math.min(1, Math.ceil(Math.max(...values, 0) * 10 + 0.2) / 10);
}
