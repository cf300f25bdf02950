import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useMay } from "../../kernel/session";
import { date } from "../../kernel/time";
import { Button } from "../../ui/button";
import { useConfirm } from "../../ui/confirm";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";

type Deprecation = Schema<"Deprecation">;

interface DeprecatedProps {
  said: Deprecation;
  /** What is deprecated (`late`, `late@7`), where that can be taken back. */
  of?: string;
}

/** That something should not be used any more, and what instead. */
export function Deprecated({ said, of }: DeprecatedProps) {
  return (
    <p className="model-notice">
      <Status kind="warn" word="Deprecated" badge /> {said.reason}
      {said.successor && (
        <>
          {" "}
          Use <RefLink to={said.successor} /> instead.
        </>
      )}
      <span className="muted">
        {" "}
        said by <RefLink to={said.by} /> <Time at={said.at} />
        {said.sunset_at && `; it may be removed from ${date(said.sunset_at)} on`}
      </span>{" "}
      {of && <Reinstate of={of} said={said} />}
    </p>
  );
}

function deprecate(
  of: string,
  { reason, successor, sunset_at }: Pick<Deprecation, "reason" | "successor" | "sunset_at">,
) {
  return send("post", "/model-deprecations/{ref}", { path: { ref: of }, body: { reason, successor, sunset_at } });
}

function reinstate(of: string, reason: string) {
  return send("post", "/model-reinstatements/{ref}", { path: { ref: of }, body: { reason } });
}

function Reinstate({ of, said }: { of: string; said: Deprecation }) {
  const may = useMay("model:write");
  const confirm = useConfirm();
  const ask = () =>
    void confirm({
      title: `Reinstate ${of}?`,
      text: "Its users no longer see a deprecation notice.",
      verb: "Reinstate",
      reason: "required",
      act: async (reason) => {
        await reinstate(of, reason);
        toast({ text: `Reinstated ${of}`, undo: () => deprecate(of, said) });
      },
    });
  return (
    <Button small disabled={!may} title={may ? undefined : "needs the permission model:write"} onClick={ask}>
      Reinstate…
    </Button>
  );
}

interface HandOverProps {
  model: string;
  owners: readonly string[];
  onClose: () => void;
}

/** Lets others own a model. */
export function HandOver({ model, owners, onClose }: HandOverProps) {
  const give = (to: readonly string[], reason: string) =>
    send("post", "/models/{model}/owners", { path: { model }, body: { owners: [...to], reason } });
  return (
    <FormDialog
      title={`Change the owners of ${model}?`}
      verb="Change owners"
      lead="Only an owner may, or who may approve. Who owned it until now may not take it back without them."
      act={(given) =>
        give(
          given("owners")
            .split(/[\s,]+/)
            .filter(Boolean),
          given("reason"),
        )
      }
      onDone={({ owners: now = [] }) => {
        toast({ text: `${model} belongs to ${now.join(", ")}`, undo: () => give(owners, "undone") });
        onClose();
      }}
      onClose={onClose}
    >
      <Field
        label="Owners"
        name="owners"
        hint="People or teams, separated by spaces, the main owner first: person:ana person:ben"
      >
        <input className="mono" required autoComplete="off" spellCheck={false} defaultValue={owners.join(" ")} />
      </Field>
      <Field label="Reason" name="reason" hint="Kept in the ledger.">
        <textarea rows={2} />
      </Field>
    </FormDialog>
  );
}

/** Says of a model (`late`) or a version (`late@7`) that it should not be used any more. */
export function Deprecate({ of, onClose }: { of: string; onClose: () => void }) {
  return (
    <FormDialog
      title={`Deprecate ${of}?`}
      verb="Deprecate"
      lead={
        <>
          Nothing stops. Whoever resolves or deploys it, from a program, the command line or these pages, is told what
          to use instead, by a warning or the header <code>Ostinato-Notice</code>.
        </>
      }
      act={(given) =>
        deprecate(of, {
          reason: given("reason"),
          successor: given("successor") || null,
          sunset_at: given("sunset_at") ? `${given("sunset_at")}T00:00:00Z` : null,
        })
      }
      onDone={() => {
        toast({ text: `Deprecated ${of}`, undo: () => reinstate(of, "undone") });
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="Reason" name="reason" required>
        <textarea rows={2} required />
      </Field>
      <Field label="Use instead" name="successor" hint="A model, such as prices, or a version, such as late@9.">
        <input className="mono" autoComplete="off" spellCheck={false} />
      </Field>
      <Field label="Removal date" name="sunset_at">
        <input type="date" />
      </Field>
    </FormDialog>
  );
}
