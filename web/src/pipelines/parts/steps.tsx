import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { now } from "../../kernel/time";
import { Section } from "../../ui/card";
import { Gantt, type GanttRow } from "../../ui/gantt/gantt";
import { Graph } from "../../ui/graph/graph";
import { useWidth } from "../../ui/size";
import { Segments } from "../../ui/tabs";
import { shape } from "../shape";
import { ofStep } from "../states";
import { type Placed, timing } from "../timing";
import { apart } from "../values";
import { StepsTable } from "./steps-table";

type StepRun = Schema<"StepRun">;

export const VIEWS = ["time", "table"] as const;
type View = (typeof VIEWS)[number];

/** More rows than this are a table. */
const BARS_MAX = 200;
const LINE = 66;
const MARGIN = 84;
/** On a telephone the whole is only a few fingers high. */
const NARROW = 560;
const NARROW_HEIGHT = 180;

interface DrawnProps {
  page: Schema<"ExecutionPage">;
  /** The call in view. */
  step: string | undefined;
  to: (step: string) => string;
}

/** What went from which call into which; nothing where none needed another. */
export function StepsGraph({ page: { steps, edges }, step, to }: DrawnProps) {
  const drawn = useMemo(() => shape(steps, edges), [steps, edges]);
  return drawn.edges.length > 0 && <Shape {...{ drawn, step, to }} calls={steps.length} />;
}

interface ShapeProps extends Pick<DrawnProps, "step" | "to"> {
  drawn: ReturnType<typeof shape>;
  calls: number;
}

function Shape({ drawn, calls, step, to }: ShapeProps) {
  const open = useOpen(to);
  const [frame, width] = useWidth();
  const height = width > 0 && width < NARROW ? NARROW_HEIGHT : Math.min(420, Math.max(160, drawn.rows * LINE + MARGIN));
  return (
    <Section title="Graph" note={drawn.nodes.length < calls ? "calls of a step as one" : undefined}>
      <div ref={frame}>
        <Graph
          label="Steps"
          nodes={drawn.nodes}
          edges={drawn.edges}
          height={height}
          {...(step && { marked: drawn.home.get(step) ?? step })}
          onOpen={(id) => open(drawn.first.get(id) ?? id)}
        />
      </div>
    </Section>
  );
}

interface StepsProps extends DrawnProps {
  view: View;
  onView: (view: View) => void;
  sort: string;
  onSort: (sort: string | undefined) => void;
}

/** The calls, in the order of the body: when each ran, or what each took. */
export function Steps({ page: { steps, counts }, step, to, view, onView, sort, onSort }: StepsProps) {
  const open = useOpen(to);
  const all = Object.values(counts).reduce((sum, calls) => sum + calls, 0);
  const choose = steps.length <= BARS_MAX && (
    <Segments
      label="Steps as"
      items={[
        { value: "time", text: "Over time" },
        { value: "table", text: "Table" },
      ]}
      value={view}
      onChange={onView}
    />
  );
  return (
    <Section
      title="Steps"
      note={all > steps.length ? `the first ${full(steps.length)} of ${full(all)}` : full(all)}
      aside={choose}
    >
      {view === "table" || steps.length > BARS_MAX ? (
        <StepsTable steps={steps} step={step} sort={sort} onSort={onSort} onOpen={open} />
      ) : (
        <Timeline steps={steps} step={step} to={to} />
      )}
    </Section>
  );
}

function useOpen(to: (step: string) => string): (step: string) => void {
  const navigate = useNavigate();
  return (step) => void navigate({ to: to(step), replace: true, resetScroll: false });
}

function Timeline({
  steps,
  step,
  to,
}: {
  steps: readonly StepRun[];
  step: string | undefined;
  to: (step: string) => string;
}) {
  const project = useProject();
  const at = now();
  const { rows, stood, critical } = timing(steps, at);
  const told = useMemo(() => apart(steps), [steps]);
  return (
    <>
      <Gantt
        label="Steps over time"
        now={at}
        offsets={stood}
        rows={rows.map((row) =>
          bar(row, {
            project,
            to,
            apart: told.get(row.step.id),
            chosen: row.step.id === step,
            critical: critical.has(row.step.id),
          }),
        )}
      />
      {stood && rows.some(({ step: { cached } }) => !cached) && (
        <p className="muted steps-note">
          The clock stood while they ran: each is as long as it really took, one after another.
        </p>
      )}
      {critical.size > 0 && <p className="muted steps-note">Bold: what the end waited for.</p>}
    </>
  );
}

interface Drawing {
  project: string;
  to: (step: string) => string;
  apart: string | undefined;
  chosen: boolean;
  critical: boolean;
}

function bar(
  { step, queued, started, ended }: Placed,
  { project, to, apart: told, chosen, critical }: Drawing,
): GanttRow {
  const { id, name, origin, cached, attempt } = step;
  const { kind, word } = ofStep(step);
  const label = (
    <Link
      to={to(id)}
      replace
      resetScroll={false}
      aria-current={chosen || undefined}
      title={told ? `${name}: ${told}` : name}
    >
      {name}
      {told && <span className="steps-apart">{told}</span>}
    </Link>
  );
  const from = origin?.execution ? `${href(project, `execution:${origin.execution}`)}?step=${origin.step}` : to(id);
  if (cached) return { key: id, label, name, attempts: [], reused: { at: started ?? 0, to: from } };
  const words = `${word.toLowerCase()}${attempt > 1 ? ` at try ${attempt}` : ""}`;
  return { key: id, label, name, critical, attempts: [{ key: id, queued, started, ended, kind, word: words }] };
}
