import { useQuery } from "@tanstack/react-query";
import { short } from "../../kernel/number";
import { duration } from "../../kernel/time";
import { Card } from "../../ui/card";
import { Code } from "../../ui/code";
import { Facts } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { type Metric, type Story, textQuery } from "../queries";
import { KINDS } from "./state";
import { lastPoint, outcome, partsInWords, repeatable } from "./verdict";

const TRACEBACK = "traceback.txt";

interface VerdictProps {
  story: Story;
  metrics: Readonly<Record<string, Metric>>;
}

/** The two answers that a run is looked at for. */
export function Verdicts({ story, metrics }: VerdictProps) {
  return (
    <div className="grid run-verdicts">
      <Worked story={story} metrics={metrics} />
      <Repeated story={story} />
    </div>
  );
}

function Worked({ story: { run, parts, artifacts }, metrics }: VerdictProps) {
  const heard = run.state === "running" ? lastPoint(metrics) : undefined;
  const facts: [string, React.ReactNode][] = [];
  if (run.outputs.length > 0) facts.push(["Made", <Refs key="made" all={run.outputs} />]);
  if (Object.keys(parts).length > 0) facts.push(["Child runs", partsInWords(parts)]);
  if (run.spent) facts.push(["Spent", spent(run.spent)]);
  if (heard) facts.push(["Last point", heard]);
  return (
    <Card title="Outcome">
      <p className="run-verdict">
        <Status kind={KINDS[run.state]} word={outcome(run)} />
      </p>
      {run.error && <p className="run-error">{run.error}</p>}
      {artifacts.some(({ path }) => path === TRACEBACK) && <Traceback run={run.id} />}
      {facts.length > 0 && <Facts items={facts} />}
    </Card>
  );
}

function spent({ cpu_s, wall_s, peak_rss_mb }: NonNullable<Story["run"]["spent"]>): string {
  const parts = [`${duration(cpu_s * 1000)} of CPU`];
  if (wall_s !== null) parts.push(`${duration(wall_s * 1000)} in all`);
  return [...parts, `${short(peak_rss_mb)} MiB at most`].join(" · ");
}

function Traceback({ run }: { run: string }) {
  return (
    <Loaded query={useQuery(textQuery(run, TRACEBACK))}>{(text) => <Code text={text} label="traceback" />}</Loaded>
  );
}

function Repeated({ story }: { story: Story }) {
  const { run, repeat, parent } = story;
  const { kind, sentence } = repeatable(story);
  const facts: [string, React.ReactNode][] = [];
  if (repeat.execution) facts.push(["Execution", <RefLink key="execution" to={repeat.execution} bare />]);
  if (parent)
    facts.push([
      "Part of",
      <RefLink key="parent" to={`run:${parent.id}`}>
        {parent.name}
      </RefLink>,
    ]);
  if (run.inputs.length > 0) facts.push(["Used", <Refs key="used" all={run.inputs} />]);
  return (
    <Card title="Reproduce">
      <p className="run-verdict">
        <Status kind={kind} word={sentence} />
      </p>
      {repeat.commands.length > 0 && <Code text={repeat.commands.join("\n")} label="commands that repeat it" />}
      {facts.length > 0 && <Facts items={facts} />}
    </Card>
  );
}

export function Refs({ all }: { all: readonly string[] }) {
  return (
    <span className="row">
      {all.map((ref) => (
        <RefLink key={ref} to={ref} />
      ))}
    </span>
  );
}
