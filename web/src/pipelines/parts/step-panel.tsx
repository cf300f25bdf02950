import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import type { Schema } from "../../kernel/api/types";
import { bytes } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { duration, time } from "../../kernel/time";
import { LinkButton } from "../../ui/button";
import { Section } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { Id } from "../../ui/id";
import { Json } from "../../ui/json";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { whyQuery } from "../queries";
import { ofStep } from "../states";
import { Changes } from "./changes";

type StepRun = Schema<"StepRun">;

interface StepPanelProps {
  execution: string;
  step: StepRun;
  names: ReadonlyMap<string, string>;
  /** Where a step of this execution is shown; without one, the page without any. */
  to: (step: string) => string;
}

/** One call: why it ran, what went in and came out, what it took, how it failed. */
export function StepPanel({ execution, step, names, to }: StepPanelProps) {
  const { error, arguments: given = {}, needs = [] } = step;
  const close = (
    <LinkButton to={to("none")} kind="quiet" small icon={<X aria-hidden />}>
      Close
    </LinkButton>
  );
  return (
    <div className="stack">
      <Section title={step.name} note={<Status {...ofStep(step)} />} aside={close}>
        {error && <p className="step-error">{error}</p>}
        <Facts items={facts(step)} />
      </Section>
      <Section title={step.cached ? "Why it did not run" : "Why it ran"}>
        <Reasons execution={execution} step={step} />
      </Section>
      <Section title="Inputs">
        {needs.length > 0 && (
          <p>
            <span className="muted">From</span>{" "}
            {needs.map((id, i) => (
              <span key={id}>
                {i > 0 && ", "}
                <Link to={to(id)} replace resetScroll={false}>
                  {names.get(id) ?? id}
                </Link>
              </span>
            ))}
          </p>
        )}
        {Object.keys(given).length > 0 ? <Json value={given} /> : <p className="muted">It takes nothing.</p>}
      </Section>
    </div>
  );
}

/** What did not run has the call that made its output instead of times. */
function facts(step: StepRun): (readonly [string, ReactNode])[] {
  const { run, queued, started, ended, wall_s, cpu_s, peak_rss_mb, cost, attempt, output, type, origin, cached } = step;
  const waited = time(started) - time(queued);
  const made: [string, ReactNode][] =
    output === null ? [] : [["Output", <Output key="o" type={type} digest={output} />]];
  if (cached) return [["Made by", origin ? <Made key="m" by={origin} /> : "a call that is not kept"], ...made];
  return [
    ...(run ? ([["Run", <RefLink key="r" to={`run:${run}`} bare />]] as const) : []),
    ["Began", <Time key="b" at={started} />],
    ["Duration", wall_s === null ? (ended ? "–" : "running") : duration(wall_s * 1000)],
    ...(waited > 0 ? ([[attempt > 1 ? "Waited and tried" : "Waited", duration(waited)]] as const) : []),
    ["CPU", cpu_s === null ? "–" : duration(cpu_s * 1000)],
    ["Memory", peak_rss_mb === null ? "–" : <span key="p">{bytes(peak_rss_mb * 2 ** 20)} at most</span>],
    ...(cost === null ? [] : ([["Cost", <Num key="c" value={cost} />]] as const)),
    ["Attempts", attempt],
    ...made,
  ];
}

function Output({ type, digest }: { type: string | null; digest: string }) {
  return (
    <span className="row">
      {type} <Id value={digest} what="digest" />
    </span>
  );
}

function Made({ by: { execution, step, run } }: { by: Schema<"Origin"> }) {
  const project = useProject();
  return (
    <span className="row">
      {run && <RefLink to={`run:${run}`} />}
      {execution && (
        <Link to={`${href(project, `execution:${execution}`)}?step=${step}`} title={`execution:${execution}`}>
          its step in that execution
        </Link>
      )}
    </span>
  );
}

function Reasons({ execution, step }: { execution: string; step: StepRun }) {
  const why = useQuery(whyQuery(execution, step.id));
  return (
    <Loaded query={why} skeleton={<Skeleton lines={2} />}>
      {({ reason, changes, compared_with, cached }) => (
        <>
          {changes.length === 0 && <p>{sentence(reason)}</p>}
          <Changes of={changes} />
          {compared_with && !cached && (
            <p className="muted">
              Against <RefLink to={`execution:${compared_with}`} />
            </p>
          )}
        </>
      )}
    </Loaded>
  );
}

function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`;
}
