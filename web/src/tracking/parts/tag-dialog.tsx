import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import type { Run } from "../queries";

/** Sets a tag of a run, or removes one; ended runs can be tagged as well. */
export function TagDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const queries = useQueryClient();
  const form = useId();
  const tag = useMutation({
    mutationFn: (tags: Record<string, string | null>) =>
      send("post", "/runs/{run}/tags", { path: { run: run.id }, body: { tags } }),
    // Tags make no event that would tell of it.
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tracking"] }),
  });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    await tag.mutateAsync({ [key.trim()]: value.trim() });
    onClose();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={form} kind="primary" busy={tag.isPending} disabled={!key.trim()}>
        Set tag
      </Button>
    </>
  );
  return (
    <Dialog title={`Tag ${run.name}`} onClose={onClose} actions={actions}>
      <form id={form} className="stack" onSubmit={(event) => void submit(event).catch(() => undefined)}>
        <Field label="Name">
          <input required value={key} onChange={(event) => setKey(event.target.value)} placeholder="kind" />
        </Field>
        <Field label="Value">
          <input value={value} onChange={(event) => setValue(event.target.value)} placeholder="tuned" />
        </Field>
        {Object.keys(run.tags).length > 0 && (
          <p className="row">
            {Object.entries(run.tags).map(([name, held]) => (
              <Button key={name} small onClick={() => tag.mutate({ [name]: null })} title={`Remove the tag ${name}`}>
                {name} {held} ×
              </Button>
            ))}
          </p>
        )}
        {tag.error && <ErrorBox error={tag.error} />}
      </form>
    </Dialog>
  );
}
