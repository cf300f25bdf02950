import { useMutation } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useId, useRef, useState } from "react";
import { ApiError } from "../kernel/api/errors";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { ErrorBox } from "./error-box";
import { type Refusal, Refused } from "./field";

/** What a control of the form holds, by its name, without blanks around. */
export type Given = (name: string) => string;

interface FormDialogProps<Answer> {
  title: string;
  /** The button's word: the same verb as in the title, where one is there. */
  verb: string;
  danger?: boolean;
  wide?: boolean;
  /** What will happen, and what will not. */
  lead?: ReactNode;
  /** What is refused is said at the field of that name, or else below the form, which stays. */
  act: (given: Given) => Promise<Answer>;
  /** Instead of closing. */
  onDone?: (answer: Answer) => void;
  onClose: () => void;
  /** Acts besides. */
  aside?: ReactNode;
  children?: ReactNode;
}

/** A dialog that is a form: fields, a verb, and the way out. */
export function FormDialog<Answer>(props: FormDialogProps<Answer>) {
  const { title, verb, danger = false, wide = false, lead, act, onDone, onClose, aside, children } = props;
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const [refusal, setRefusal] = useState<Refusal>();
  const { mutate, reset, isPending, error } = useMutation({
    mutationFn: act,
    onSuccess: onDone ?? onClose,
    onError: (failure) => setRefusal(refusalOf(failure, form.current)),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const held = new FormData(event.currentTarget);
    mutate((name) => String(held.get(name) ?? "").trim());
  };
  const change = () => {
    if (!error) return;
    setRefusal(undefined);
    reset();
  };
  const actions = (
    <>
      {aside}
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={id} kind={danger ? "danger" : "primary"} busy={isPending}>
        {verb}
      </Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} actions={actions} wide={wide}>
      {lead && <div>{lead}</div>}
      <form ref={form} id={id} className="form" onSubmit={submit} onInput={change}>
        <Refused value={refusal}>{children}</Refused>
      </form>
      {error && !refusal && <ErrorBox error={error} />}
    </Dialog>
  );
}

/** The field that the server means, if it is one of the form: the focus goes there. */
function refusalOf(error: unknown, form: HTMLFormElement | null): Refusal | undefined {
  if (!(error instanceof ApiError) || !error.field) return undefined;
  const path = error.field.replace(/^\$\.?/, "");
  const names = [path, ...path.split(/[.[]/).reverse()];
  for (const name of names) {
    const control = form?.elements.namedItem(name);
    if (!(control instanceof HTMLElement)) continue;
    control.focus();
    return { field: name, text: error.hint ? `${error.message}: ${error.hint}` : error.message };
  }
  return undefined;
}
