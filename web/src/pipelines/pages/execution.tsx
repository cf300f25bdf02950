import { useQuery } from "@tanstack/react-query";
import { RotateCcw, Square } from "lucide-react";
import { Fragment, useCallback, useEffect, useMemo, useRef } from "react";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { useMay } from "../../kernel/session";
import { duration } from "../../kernel/time";
import { choice, flag, query, text, useParam, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Code } from "../../ui/code";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { Id } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { About } from "../parts/about";
import { Causes } from "../parts/causes";
import { Log } from "../parts/log";
import { StepPanel } from "../parts/step-panel";
import { Steps, StepsGraph, VIEWS } from "../parts/steps";
import { causesQuery, executionQuery } from "../queries";
import { isAlive, ofExecution, stepsInWords } from "../states";
import { cancel, retry } from "../verbs";
import "../pipelines.css";

type Shown = Schema<"ExecutionPage">;

const NO_STEP = "none";
const FIELDS = { step: text(), view: choice(...VIEWS), sort: text(), only: flag() };

/** Where is it, and why did it run again? */
export function ExecutionPage() {
  const id = useParam("execution");
  const project = useProject();
  const page = useQuery(executionQuery(id));
  const pipeline = page.data?.execution.pipeline ?? "";
  return (
    <Page
      title={pipeline ? `${pipeline} ${id.slice(-6)}` : id}
      heading={page.data && <Heading of={page.data} />}
      lead={page.data && <Verdict of={page.data} />}
      crumbs={[
        { text: "Pipelines", to: `/${project}/pipelines` },
        ...(pipeline ? [{ text: pipeline, to: href(project, `pipeline:${pipeline}`) }] : []),
      ]}
      actions={page.data && <Verbs of={page.data} />}
    >
      <Loaded query={page}>{(data) => <Body key={id} page={data} />}</Loaded>
    </Page>
  );
}

function Heading({ of: { execution } }: { of: Shown }) {
  return (
    <>
      {execution.pipeline} <Id value={execution.id} what="execution id" />{" "}
      <Status {...ofExecution(execution.state)} badge />
    </>
  );
}

/** How it stands, in a sentence. */
function Verdict({ of: { execution, counts } }: { of: Shown }) {
  const { state, created_at, ended_at, wall_s, error } = execution;
  const took = wall_s === null ? "" : ` after ${duration(wall_s * 1000)}`;
  const steps = stepsInWords(counts);
  const asked = (
    <>
      Requested <Time at={created_at} />.
    </>
  );
  if (state === "queued") return <>Waits for a worker. {asked}</>;
  if (state === "running")
    return (
      <>
        {steps || "No step has begun yet"}. {asked}
      </>
    );
  if (state === "lost") return <>Its worker fell silent; the next one takes it over, finished steps and all.</>;
  return (
    <>
      Ended <Time at={ended_at} />
      {took}
      {error ? `: ${error}` : steps && `: ${steps}.`}
    </>
  );
}

function Verbs({ of: { execution, verbs } }: { of: Shown }) {
  const { id, pipeline } = execution;
  const may = useMay("pipeline:write");
  const confirm = useConfirm();
  const enabled = may || "needs pipeline:write";
  const offered = useMemo(() => {
    const acts = {
      cancel: () =>
        confirm({
          title: `Cancel ${pipeline} ${id.slice(-6)}?`,
          text: "It ends before its next step. What has finished stays remembered.",
          verb: "Cancel it",
          danger: true,
          act: () => cancel(id),
        }),
      retry: () =>
        confirm({
          title: `Retry ${pipeline} ${id.slice(-6)}?`,
          text: "It goes on under the same id; steps that had finished are not repeated.",
          verb: "Retry",
          act: () => retry(id),
        }),
    };
    const words = { cancel: "Cancel…", retry: "Retry…" };
    return verbs.map((verb) => ({ verb, label: words[verb], run: () => void acts[verb](), enabled }));
  }, [verbs, id, pipeline, confirm, enabled]);
  useVerbs(offered);
  if (!may) return null;
  return offered.map(({ verb, label, run }) => (
    <Button key={verb} icon={verb === "cancel" ? <Square aria-hidden /> : <RotateCcw aria-hidden />} onClick={run}>
      {label}
    </Button>
  ));
}

function Body({ page }: { page: Shown }) {
  const { execution, steps } = page;
  const [{ step: asked, view, sort, only }, set] = useUrlState(FIELDS);
  const project = useProject();
  const causes = useQuery({ ...causesQuery(execution.id), enabled: steps.length > 0 });
  const names = useMemo(() => new Map(steps.map(({ id, name }) => [id, name])), [steps]);
  const to = useCallback(
    (step: string) => `${href(project, `execution:${execution.id}`)}${query(FIELDS, { step, view, sort, only })}`,
    [project, execution.id, view, sort, only],
  );
  const chosen = chosenOf(steps, asked);
  const aside = useRef<HTMLDivElement>(null);
  useInSight(aside, asked);
  const ended = !isAlive(execution.state);
  return (
    <div className="stack">
      {causes.data && <Causes causes={causes.data} to={to} />}
      {steps.length > 0 && steps.every(({ cached }) => cached) && <NothingRan steps={steps} />}
      <StepsGraph page={page} step={chosen?.id} to={to} />
      <div className="pipelines-columns">
        <div className="stack">
          {chosen?.traceback && (
            <Section title="Traceback" note={chosen.name}>
              <Code label={`what failed in ${chosen.name}`} text={chosen.traceback.trimEnd()} />
            </Section>
          )}
          {steps.length === 0 ? (
            <Empty title={ended ? "It called no step" : "No step has begun yet"} />
          ) : (
            <Steps
              page={page}
              step={chosen?.id}
              to={to}
              view={view}
              onView={(next) => set({ view: next })}
              sort={sort}
              onSort={(next) => set({ sort: next ?? "" })}
            />
          )}
          <Log
            execution={execution.id}
            ended={ended}
            names={names}
            step={chosen?.id}
            only={only}
            onOnly={(next) => set({ only: next })}
          />
        </div>
        <div ref={aside} className="execution-aside">
          {chosen ? (
            <StepPanel key={chosen.id} execution={execution.id} step={chosen} names={names} to={to} />
          ) : (
            <About execution={execution} />
          )}
        </div>
      </div>
    </div>
  );
}

function NothingRan({ steps }: { steps: Shown["steps"] }) {
  const made = new Set(steps.flatMap(({ origin }) => origin?.execution || []));
  return (
    <p className="causes">
      <span>
        Nothing ran: all its outputs were remembered
        {[...made].slice(0, 3).map((one, i) => (
          <Fragment key={one}>
            {i === 0 ? " from " : ", "}
            <RefLink to={`execution:${one}`} />
          </Fragment>
        ))}
        {made.size > 3 && ` and ${made.size - 3} more`}.
      </span>
    </p>
  );
}

/** What is asked for; of a failure, the step that failed. */
function chosenOf(steps: Shown["steps"], asked: string) {
  if (asked === NO_STEP) return undefined;
  return asked
    ? steps.find(({ id, name }) => asked === id || asked === name)
    : steps.find(({ state }) => state === "failed");
}

/** Where the columns stand below each other, what was chosen above is shown below: brought into sight. */
function useInSight(part: React.RefObject<HTMLElement | null>, asked: string): void {
  const first = useRef(asked);
  useEffect(() => {
    if (asked === first.current || !asked || asked === NO_STEP) return;
    first.current = asked;
    const below = (part.current?.getBoundingClientRect().top ?? 0) > window.innerHeight * 0.8;
    if (below) part.current?.scrollIntoView({ block: "start" });
  }, [part, asked]);
}
