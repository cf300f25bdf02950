import { useMutation, useQuery } from "@tanstack/react-query";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { unlink } from "../acts";
import { waysQuery } from "../queries";

/** Says who a person is at the identity provider, or that they are nobody there any more. */
export function LinkIdentity({ actor, onClose }: { actor: Schema<"Actor">; onClose: () => void }) {
  const { id, identity } = actor;
  const { data: ways } = useQuery(waysQuery);
  const end = useMutation({ mutationFn: () => unlink(id), onSuccess: onClose });
  return (
    <FormDialog
      title={`Who ${id.replace(/^\w+:/, "")} is elsewhere`}
      verb="Link"
      lead="From now on they sign in by that identity only: their password is removed and their sessions end."
      act={(given) =>
        send("put", "/access/actors/{actor}/identity", {
          path: { actor: id },
          body: { issuer: given("issuer"), subject: given("subject") },
        })
      }
      onClose={onClose}
      aside={
        identity && (
          <Button kind="danger" busy={end.isPending} onClick={() => end.mutate()}>
            End the link
          </Button>
        )
      }
    >
      <Field label="Issuer" name="issuer" required>
        <input required inputMode="url" key={ways?.issuer} defaultValue={identity?.issuer ?? ways?.issuer ?? ""} />
      </Field>
      <Field label="Subject" name="subject" hint="Its `sub` there: neither a name nor a mail address." required>
        <input required autoComplete="off" defaultValue={identity?.subject} />
      </Field>
      {end.error && <ErrorBox error={end.error} />}
    </FormDialog>
  );
}
