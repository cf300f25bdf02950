import { count } from "../../kernel/number";
import { Bars } from "../../ui/plots/bars";
import type { Practice } from "../queries";

/** What each experiment cost, by the stage of the loop that it is of. */
export function Costs({ stages }: { stages: Practice["stages"] }) {
  const priced = stages.some(({ money }) => money != null);
  const hours = !priced && Math.max(...stages.map(({ cpu_s }) => cpu_s)) >= 7200;
  const unit = priced ? undefined : hours ? "h of CPU" : "s of CPU";
  const bars = stages.map(({ stage, experiment, runs, failed, cpu_s, money }) => ({
    key: experiment,
    label: (
      <>
        {experiment} <span className="muted">{stage}</span>
      </>
    ),
    value: priced ? (money ?? 0) : hours ? cpu_s / 3600 : cpu_s,
    kind: "info" as const,
    note: `in ${count(runs, "run")}${failed ? `, ${failed} failed` : ""}`,
  }));
  return <Bars label="What each experiment cost" bars={bars} {...(unit && { unit })} />;
}
