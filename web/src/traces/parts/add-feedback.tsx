import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { send } from "../../kernel/api/client";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { toast } from "../../ui/toasts";
import { issuesQuery, questionsQuery } from "../queries";
import type { Question } from "../words";
import type { AssessmentsProps } from "./assessments";

type Kind = "feedback" | "expectation" | "issue";

/** Say something of a trace: an answer to what reviewers are asked, anything else, or that it shows an issue. */
export function AddFeedback({ trace, span, onClose }: AssessmentsProps & { onClose: () => void }) {
  const queries = useQueryClient();
  const list = useId();
  const [name, setName] = useState("correct");
  const [kind, setKind] = useState<Kind>("feedback");
  const questions = useQuery(questionsQuery(trace.experiment_id)).data?.filter((one) => one.kind === kind) ?? [];
  const issues = useQuery({ ...issuesQuery, enabled: kind === "issue" }).data ?? [];
  const asked = questions.find((one) => one.name === name && !one.default);
  const add = async (given: Given) => {
    const issue = issues.find(({ id }) => id === given("issue"));
    const body = {
      kind,
      ...(issue ? { name: issue.id, value: issue.name } : { name, value: meant(given("value"), asked) }),
      rationale: given("rationale"),
      ...(span && given("of") === "step" && { span: span.id }),
    };
    await send("post", "/traces/{trace}/assessments", { path: { trace: trace.id }, body });
    await queries.invalidateQueries({ queryKey: ["traces"] });
    toast({ text: `${issue ? issue.name : name} is noted` });
  };
  return (
    <FormDialog
      title="Add feedback"
      verb="Add"
      lead="It stands beside the trace under your name, and the ledger keeps that you said it."
      act={add}
      onClose={onClose}
    >
      <Field label="It is" name="kind">
        <select value={kind} onChange={({ target }) => setKind(target.value as Kind)}>
          <option value="feedback">feedback: how it went</option>
          <option value="expectation">an expectation: what would have been right</option>
          <option value="issue">an issue that it shows</option>
        </select>
      </Field>
      {kind === "issue" ? (
        <Field
          label="Issue"
          name="issue"
          required
          hint={issues.length ? undefined : "None is known: report it on the list of traces."}
        >
          <select required>
            {issues.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </Field>
      ) : (
        <>
          <datalist id={list}>
            {questions.map(({ id, name, instruction }) => (
              <option key={id} value={name}>
                {instruction}
              </option>
            ))}
          </datalist>
          <Field
            label="Name"
            name="name"
            required
            hint={asked?.instruction || "What is judged: correct, polite, answer …"}
          >
            <input required maxLength={250} list={list} value={name} onChange={({ target }) => setName(target.value)} />
          </Field>
          <Answer key={asked?.id} asked={asked} />
        </>
      )}
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

/** Room for what may be answered; for anything where nothing is asked. */
function Answer({ asked }: { asked: Question | undefined }) {
  const { kind, options = [], least, most, signs_max } = asked?.answer ?? {};
  if (kind === "pass_fail" || kind === "choice")
    return (
      <Field label="Value" name="value" required>
        <select required>
          {options.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </Field>
    );
  if (kind === "number")
    return (
      <Field label="Value" name="value" required>
        <input required type="number" step="any" min={least ?? undefined} max={most ?? undefined} />
      </Field>
    );
  return (
    <Field label="Value" name="value" required hint={kind ? undefined : "true, false, a number, or words."}>
      <input required maxLength={signs_max ?? undefined} defaultValue={kind ? "" : "true"} />
    </Field>
  );
}

/** What is asked for in words is taken at its word; else JSON where it is some. */
function meant(text: string, asked: Question | undefined): unknown {
  if (asked && asked.answer.kind !== "number") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
