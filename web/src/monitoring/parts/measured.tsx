import { useQuery } from "@tanstack/react-query";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { Segments } from "../../ui/tabs";
import { distributionQuery, type Measurement, type WindowMark } from "../queries";
import { windowName } from "../words";
import { OverTime } from "./over-time";
import { PerformanceOf } from "./performance";
import { type Drawing, ThenAndNow, ThenAndNowLegend } from "./then-and-now";
import { Told } from "./told";

export const DRAWINGS = [
  { value: "shares", text: "Shares" },
  { value: "cumulative", text: "Cumulative" },
] as const;

interface MeasuredProps {
  monitor: string;
  /** The instant as of which the windows beside it are shown. */
  at?: string | undefined;
  window: Pick<WindowMark, "id" | "key" | "start" | "end">;
  measured: Measurement;
  drawing: Drawing;
  onDrawing: (drawing: Drawing) => void;
}

/** All about one measurement: its sentence, the feature then and now, the same over time. */
export function Measured({ monitor, at, window, measured, drawing, onDrawing }: MeasuredProps) {
  const ofFeature = measured.kind === "drift" || measured.kind === "quality";
  return (
    <div className="stack">
      <Told measured={measured} />
      {ofFeature && <Feature {...{ window, drawing, onDrawing }} feature={measured.feature} />}
      {measured.kind === "performance" ? (
        <PerformanceOf monitor={monitor} at={at} test={measured.test} />
      ) : (
        <OverTime monitor={monitor} at={at} measured={measured} />
      )}
    </div>
  );
}

type FeatureProps = Pick<MeasuredProps, "window" | "drawing" | "onDrawing"> & { feature: string };

function Feature({ window, feature, drawing, onDrawing }: FeatureProps) {
  const distribution = useQuery(distributionQuery(window.id, feature));
  return (
    <Loaded query={distribution} skeleton={<Skeleton height={280} />}>
      {(found) => (
        <figure className="measured-feature">
          <figcaption>
            <ThenAndNowLegend distribution={found} windowName={windowName(window)} />
            {found.kind === "numeric" && (
              <Segments label="Drawn as" items={DRAWINGS} value={drawing} onChange={onDrawing} />
            )}
          </figcaption>
          <ThenAndNow distribution={found} drawing={drawing} />
        </figure>
      )}
    </Loaded>
  );
}
