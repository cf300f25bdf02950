import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import type { Run } from "../queries";

/** Writes the note of a run; ended runs can be written about as well. */
export function NoteDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const [note, setNote] = useState(run.note ?? "");
  const queries = useQueryClient();
  const form = useId();
  const write = useMutation({
    mutationFn: () => send("patch", "/runs/{run}", { path: { run: run.id }, body: { note } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["tracking", "story", run.id] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    write.mutate();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={form} kind="primary" busy={write.isPending}>
        Save
      </Button>
    </>
  );
  return (
    <Dialog title={`Note on ${run.name}`} onClose={onClose} actions={actions} wide>
      <form id={form} className="stack" onSubmit={submit}>
        <Field label="Note" hint="Markdown: what was tried, what came of it.">
          <textarea rows={10} value={note} onChange={(event) => setNote(event.target.value)} />
        </Field>
        {write.error && <ErrorBox error={write.error} />}
      </form>
    </Dialog>
  );
}
