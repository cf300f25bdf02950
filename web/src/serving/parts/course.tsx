import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { full, significant } from "../../kernel/number";
import { Section } from "../../ui/card";
import { LineChart } from "../../ui/line-chart/line-chart";
import type { Range } from "../../ui/line-chart/lines";
import type { Reference, Shade } from "../../ui/line-chart/options";
import { endReference, evidenceLines, futility, harmLines, lookTicks, pauseShades, weightLines } from "../course";
import { isUnderWay, stateOf } from "../words";

type Story = Schema<"RolloutStory">;
const SYNC = "rollout-course";
/** Beyond whatever an axis shows, also a logarithmic one. */
const FAR = 1e300;

/** The path of the test: the evidence against the line of the decision, the difference narrowing, and what the candidate answered meanwhile. */
export function Course({ story }: { story: Story }) {
  const { rollout, roll_back_at, promote_below } = story;
  const { evidence, looks = [] } = rollout;
  const [range, onRange] = useState<Range>();
  const drawn = useMemo(() => {
    if (!evidence?.path.length) return undefined;
    const end = endReference(rollout, stateOf(rollout).word.toLowerCase());
    const limit: Reference = { text: `roll back at ${significant(roll_back_at)}`, value: roll_back_at, kind: "bad" };
    const margin: Reference = { text: `margin +${full(promote_below)}`, value: promote_below, kind: "ok" };
    const zero: Reference = { text: "", value: 0, kind: "text-3" };
    const futile = futility(rollout);
    const held = [...pauseShades(rollout), ...(futile ? [futile.shade] : [])];
    const unnamed = held.map((shade) => ({ ...shade, text: "" }));
    return {
      evidence: evidenceLines(evidence),
      limits: [limit, ...end, ...(futile ? [futile.line] : [])],
      backwards: [{ text: "", from: roll_back_at, to: FAR, axis: "y", kind: "bad" } satisfies Shade, ...held],
      harm: harmLines(evidence),
      bounds: [margin, zero, ...bare(end)],
      promising: [{ text: "", from: -FAR, to: promote_below, axis: "y", kind: "ok" } satisfies Shade, ...unnamed],
      weight: weightLines(rollout),
      ticks: [...lookTicks(rollout), ...bare(end)],
      held: unnamed,
    };
  }, [rollout, evidence, roll_back_at, promote_below]);
  if (!drawn)
    return isUnderWay(rollout) ? (
      <Section title="Sequential test">
        <p className="muted">It begins with the first request that both versions have scored.</p>
      </Section>
    ) : null;
  const x = { xLabel: "requests scored by both", sync: SYNC, ...(range && { range }), onRange };
  return (
    <Section title="Sequential test" note="over the requests scored by both versions">
      <LineChart
        {...x}
        title="E-value against “no harm”"
        log
        lines={drawn.evidence}
        references={drawn.limits}
        shades={drawn.backwards}
        height={250}
      />
      <LineChart
        {...x}
        title={`Squared error, candidate minus stable, with ${100 * (1 - 2 * rollout.plan.alpha)} % bounds at all times`}
        lines={drawn.harm}
        references={drawn.bounds}
        shades={drawn.promising}
        height={210}
      />
      <LineChart
        {...x}
        title={looks.length ? "Traffic to the candidate, and interim analyses" : "Answered by the candidate"}
        unit="%"
        fromZero
        lines={drawn.weight}
        references={drawn.ticks}
        shades={drawn.held}
        height={130}
      />
    </Section>
  );
}

/** The same line, named already in the panel above. */
function bare(references: readonly Reference[]): Reference[] {
  return references.map((reference) => ({ ...reference, text: "" }));
}
