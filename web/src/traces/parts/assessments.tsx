import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { RefLink } from "../../ui/ref-link";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { type Assessment, SOURCES, type Span, said, type Trace } from "../words";

const ACTOR = /^(person|service):/;

interface AssessmentsProps {
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
          { head: "Name", cell: ({ name, valid }) => <span className={valid ? "" : "trace-void"}>{name}</span> },
          { head: "Kind", cell: ({ kind }) => kind },
          { head: "Value", cell: (one) => <Judged one={one} /> },
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

function Judged({ one: { value, error, valid } }: { one: Assessment }) {
  if (error) return <span className="trace-bad">{error.error_message ?? "could not judge"}</span>;
  return (
    <>
      <span className={valid ? "mono" : "mono trace-void"}>{said(value)}</span>
      {!valid && <span className="sr-only"> (overridden)</span>}
    </>
  );
}

function AddFeedback({ trace, span, onClose }: AssessmentsProps & { onClose: () => void }) {
  const queries = useQueryClient();
  const add = async (given: Given) => {
    const body = {
      name: given("name"),
      kind: given("kind") === "expectation" ? ("expectation" as const) : ("feedback" as const),
      value: meant(given("value")),
      rationale: given("rationale"),
      ...(span && given("of") === "step" && { span: span.id }),
    };
    await send("post", "/traces/{trace}/assessments", { path: { trace: trace.id }, body });
    await queries.invalidateQueries({ queryKey: ["traces"] });
    toast({ text: `${body.name} is noted` });
  };
  return (
    <FormDialog
      title="Add feedback"
      verb="Add"
      lead="It stands beside the trace under your name, and the ledger keeps that you said it."
      act={add}
      onClose={onClose}
    >
      <Field label="Name" name="name" required hint="What is judged: correct, polite, answer …">
        <input required maxLength={250} defaultValue="correct" />
      </Field>
      <Field label="It is" name="kind">
        <select defaultValue="feedback">
          <option value="feedback">feedback: how it went</option>
          <option value="expectation">an expectation: what would have been right</option>
        </select>
      </Field>
      <Field label="Value" name="value" required hint="true, false, a number, or words.">
        <input required defaultValue="true" />
      </Field>
      {span && (
        <Field label="Of" name="of">
          <select defaultValue="whole">
            <option value="whole">the whole trace</option>
            <option value="step">the step {span.name}</option>
          </select>
        </Field>
      )}
      <Field label="Why" name="rationale">
        <textarea rows={3} maxLength={10_000} />
      </Field>
    </FormDialog>
  );
}

/** JSON where it is some, else the words themselves. */
function meant(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
