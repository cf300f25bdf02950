import { useState } from "react";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { RefLink } from "../../ui/ref-link";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { type Assessment, SOURCES, type Span, said, type Trace } from "../words";
import { AddFeedback } from "./add-feedback";

const ACTOR = /^(person|service):/;

export interface AssessmentsProps {
  trace: Trace;
  /** The step that new ones are about; the whole trace without it. */
  span: Span | undefined;
}

/** What people, code and models say of a trace, and room to say more. */
export function Assessments({ trace, span }: AssessmentsProps) {
  const may = useMay("trace:assess");
  const [adding, setAdding] = useState(false);
  const all = trace.assessments ?? [];
  return (
    <Section
      title="Assessments"
      note={all.length || undefined}
      aside={
        may && (
          <Button small onClick={() => setAdding(true)}>
            Add feedback
          </Button>
        )
      }
    >
      <Table
        label="What was said of the trace"
        rows={all}
        rowKey={({ id }) => id}
        empty="Nobody has said how it went."
        columns={[
          { head: "Name", cell: (one) => <span className={one.valid ? "" : "trace-void"}>{called(one)}</span> },
          { head: "Kind", cell: ({ kind }) => kind },
          { head: "Value", cell: (one) => (one.kind === "issue" ? "shows it" : <Judged one={one} />) },
          { head: "Why", grow: true, cell: ({ rationale }) => rationale || <span className="muted">–</span> },
          {
            head: "By",
            cell: ({ source, source_id, created_by }) => (
              <span title={SOURCES[source]}>
                {ACTOR.test(source_id) ? <RefLink to={source_id} /> : source_id || SOURCES[source]}
                {source_id !== created_by && <span className="muted"> noted by {created_by}</span>}
              </span>
            ),
          },
          { head: "Of", cell: ({ span: of }) => (of ? "a step" : "the trace") },
          { head: "When", cell: ({ changed_at }) => <Time at={changed_at} /> },
        ]}
      />
      {adding && <AddFeedback trace={trace} span={span} onClose={() => setAdding(false)} />}
    </Section>
  );
}

/** An assessment that points to an issue has its id as its name, and what it is called as its value. */
function called({ kind, name, value }: Assessment): string {
  return kind === "issue" ? said(value) : name;
}

function Judged({ one: { value, error, valid } }: { one: Assessment }) {
  if (error) return <span className="trace-bad">{error.error_message ?? "could not judge"}</span>;
  return (
    <>
      <span className={valid ? "mono" : "mono trace-void"}>{said(value)}</span>
      {!valid && <span className="sr-only"> (overridden)</span>}
    </>
  );
}
