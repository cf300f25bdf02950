import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import { Button } from "../../ui/button";
import { useConfirm } from "../../ui/confirm";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Loaded } from "../../ui/loaded";
import { Table, type TableColumn } from "../../ui/table";
import { toast } from "../../ui/toasts";
import { experimentNamesQuery, questionsQuery } from "../queries";
import { ANSWERS, type AnswerKind, answerFrom, answerInWords, kindOf, type Question } from "../words";

const TITLE = "Review questions";
const LEAD =
  "What everyone who reviews traces of an experiment is asked, and what an answer may be. Reviewers answer on the page of a trace.";

/** What reviewers are asked of the traces of an experiment: to add, to change and to end. */
export function Questions({ may, onClose }: { may: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const names = useQuery(experimentNamesQuery);
  const [chosen, setChosen] = useState<string>();
  const [edited, setEdited] = useState<Question>();
  const experiment = chosen ?? names.data?.keys().next().value;
  const within = (
    <>
      <Field label="Experiment" name="experiment">
        <select
          value={experiment}
          onChange={({ target }) => {
            setChosen(target.value);
            setEdited(undefined);
          }}
        >
          {[...(names.data ?? [])].map(([id, name]) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      {experiment && <Known experiment={experiment} {...(may && { onEdit: setEdited })} />}
    </>
  );
  if (!may)
    return (
      <Dialog title={TITLE} onClose={onClose} wide>
        <p>{LEAD}</p>
        {within}
      </Dialog>
    );
  const save = async (given: Given) => {
    const said = { name: given("name"), instruction: given("instruction") };
    const answer = answerFrom((given("answer_kind") || (edited && kindOf(edited.answer))) as AnswerKind, given);
    if (edited)
      await send("patch", "/questions/{question}", { path: { question: edited.id }, body: { ...said, answer } });
    else {
      const kind = given("kind") as Question["kind"];
      await send("post", "/questions", { body: { experiment: experiment ?? "", kind, answer, ...said } });
    }
    await queries.invalidateQueries({ queryKey: ["traces", "questions"] });
    toast({ kind: "ok", text: edited ? `${said.name} is saved` : `${said.name} is asked from now on` });
    setEdited(undefined);
  };
  return (
    <FormDialog
      title={TITLE}
      verb={edited ? "Save question" : "Add question"}
      lead={LEAD}
      act={save}
      onDone={() => undefined}
      onClose={onClose}
      aside={
        edited && (
          <Button kind="quiet" onClick={() => setEdited(undefined)}>
            Add another instead
          </Button>
        )
      }
      wide
    >
      {within}
      <Fields key={edited?.id} edited={edited} />
    </FormDialog>
  );
}

function Fields({ edited }: { edited: Question | undefined }) {
  const [answers, setAnswers] = useState<AnswerKind>(edited ? kindOf(edited.answer) : "pass_fail");
  const { options = [], least, most, signs_max } = edited?.answer ?? {};
  return (
    <>
      <Field label="Name" name="name" required hint="Assessments bear it: correct, grounded, tone …">
        <input required maxLength={250} defaultValue={edited?.name} />
      </Field>
      <Field label="Instruction" name="instruction">
        <textarea rows={2} maxLength={1000} defaultValue={edited?.instruction} />
      </Field>
      {!edited && (
        <>
          <Field label="It asks for" name="kind">
            <select>
              <option value="feedback">feedback: how it went</option>
              <option value="expectation">an expectation: what would have been right</option>
            </select>
          </Field>
          <Field label="Answer" name="answer_kind">
            <select value={answers} onChange={({ target }) => setAnswers(target.value as AnswerKind)}>
              {Object.entries(ANSWERS).map(([kind, words]) => (
                <option key={kind} value={kind}>
                  {words}
                </option>
              ))}
            </select>
          </Field>
        </>
      )}
      {answers === "pass_fail" && (
        <Field label="Words for pass and fail" name="answer" hint="One a line, what passes first." required>
          <textarea rows={2} required defaultValue={options.join("\n") || "yes\nno"} />
        </Field>
      )}
      {(answers === "choice" || answers === "several") && (
        <Field label="Options" name="answer" hint="One a line, at most ten." required>
          <textarea rows={4} required defaultValue={options.join("\n")} />
        </Field>
      )}
      {answers === "number" && (
        <>
          <Field label="Least" name="least" hint="No bound if it is empty.">
            <input type="number" step="any" defaultValue={least ?? undefined} />
          </Field>
          <Field label="Most" name="most">
            <input type="number" step="any" defaultValue={most ?? undefined} />
          </Field>
        </>
      )}
      {answers === "text" && (
        <Field label="Characters at most" name="signs_max" hint="No limit if it is empty.">
          <input type="number" min={1} step={1} defaultValue={signs_max ?? undefined} />
        </Field>
      )}
    </>
  );
}

interface KnownProps {
  experiment: string;
  onEdit?: (question: Question) => void;
}

function Known({ experiment, onEdit }: KnownProps) {
  const found = useQuery(questionsQuery(experiment));
  const queries = useQueryClient();
  const confirm = useConfirm();
  const drop = ({ id, name }: Question) =>
    confirm({
      title: `Delete the question ${name}?`,
      text: "Reviewers are no longer asked. What was answered stays.",
      verb: "Delete",
      danger: true,
      act: async () => {
        await send("delete", "/questions/{question}", { path: { question: id } });
        await queries.invalidateQueries({ queryKey: ["traces", "questions"] });
      },
    });
  const acts: TableColumn<Question> = {
    head: "Acts",
    quiet: true,
    align: "end",
    cell: (question) =>
      !question.default && (
        <span className="row question-acts">
          <Button small kind="quiet" aria-label={`Edit ${question.name}`} onClick={() => onEdit?.(question)}>
            Edit
          </Button>
          <Button small kind="quiet" aria-label={`Delete ${question.name}`} onClick={() => void drop(question)}>
            Delete
          </Button>
        </span>
      ),
  };
  return (
    <Loaded query={found}>
      {(questions) => (
        <Table label={TITLE} rows={questions} rowKey={({ id }) => id} columns={onEdit ? [...COLUMNS, acts] : COLUMNS} />
      )}
    </Loaded>
  );
}

const COLUMNS: readonly TableColumn<Question>[] = [
  {
    head: "Question",
    grow: true,
    cell: ({ name, instruction }) => (
      <>
        {name}
        {instruction && <div className="muted">{instruction}</div>}
      </>
    ),
  },
  { head: "Asks for", cell: ({ kind }) => kind },
  { head: "Answer", cell: ({ answer }) => answerInWords(answer) },
];
