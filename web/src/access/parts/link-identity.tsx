import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { unlink } from "../acts";
import { waysQuery } from "../queries";

/** Says who a person is at the identity provider, or that they are nobody there any more. */
export function LinkIdentity({ actor, onClose }: { actor: Schema<"Actor">; onClose: () => void }) {
  const form = useId();
  const { data: ways } = useQuery(waysQuery);
  const known = (ways as { issuer?: string | null } | undefined)?.issuer ?? "";
  const [issuer, setIssuer] = useState(actor.identity?.issuer ?? known);
  const [subject, setSubject] = useState(actor.identity?.subject ?? "");
  const link = useMutation({
    mutationFn: () =>
      send("put", "/access/actors/{actor}/identity", { path: { actor: actor.id }, body: { issuer, subject } }),
    onSuccess: onClose,
  });
  const end = useMutation({ mutationFn: () => unlink(actor.id), onSuccess: onClose });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    link.mutate();
  };
  const actions = (
    <>
      {actor.identity && (
        <Button kind="danger" busy={end.isPending} onClick={() => end.mutate()}>
          End the link
        </Button>
      )}
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={form} busy={link.isPending}>
        Link
      </Button>
    </>
  );
  const error = link.error ?? end.error;
  return (
    <Dialog title={`Who ${actor.id.replace(/^\w+:/, "")} is elsewhere`} onClose={onClose} actions={actions}>
      <p>From now on they come in by that identity alone: their password is gone, and their sessions end.</p>
      <form id={form} className="access-form" onSubmit={submit}>
        <Field label="Issuer" required>
          <input required inputMode="url" value={issuer} onChange={(event) => setIssuer(event.target.value)} />
        </Field>
        <Field label="Subject" hint="Its `sub` there: neither a name nor a mail address." required>
          <input required value={subject} onChange={(event) => setSubject(event.target.value)} />
        </Field>
        {error && <ErrorBox error={error} />}
      </form>
    </Dialog>
  );
}
