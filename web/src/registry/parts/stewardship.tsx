import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useActor, useMay } from "../../kernel/session";
import { date } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";

type Deprecation = Schema<"Deprecation">;
type Emergency = Schema<"Emergency">;

/** That something should not be used any more, and what instead. */
export function Deprecated({ said }: { said: Deprecation }) {
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
        {said.sunset_at && `; it may be gone from ${date(said.sunset_at)} on`}
      </span>
    </p>
  );
}

/** Says of a model (`late`) or a version (`late@7`) that it should not be used any more. */
export function Deprecate({ of, onClose }: { of: string; onClose: () => void }) {
  return (
    <FormDialog
      title={`Deprecate ${of}?`}
      verb="Deprecate"
      lead="Nothing stops. Whoever resolves or deploys it is told what to use instead."
      act={(given) =>
        send("post", "/model-deprecations/{ref}", {
          path: { ref: of },
          body: {
            reason: given("reason"),
            successor: given("successor") || null,
            sunset_at: given("sunset_at") ? `${given("sunset_at")}T00:00:00Z` : null,
          },
        })
      }
      onDone={() => {
        toast({ text: `Deprecated ${of}` });
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="Reason" name="reason" required>
        <textarea rows={2} required />
      </Field>
      <Field label="Use instead" name="successor" hint="A model, such as soon, or a version, such as late@9.">
        <input className="mono" autoComplete="off" spellCheck={false} />
      </Field>
      <Field label="May be gone from" name="sunset_at">
        <input type="date" />
      </Field>
    </FormDialog>
  );
}

/** What it says of glass that was broken, and lets somebody else review it. */
export function Broken({ made }: { made: Emergency }) {
  const [asking, setAsking] = useState(false);
  const may = useMay("model:approve");
  const own = useActor() === made.by;
  return (
    <div className="model-notice">
      <Status kind={made.verdict ? "info" : "bad"} word="The glass was broken" badge /> by <RefLink to={made.by} />{" "}
      <Time at={made.at} />: {made.reason}{" "}
      {made.verdict ? (
        <span className="muted">
          {made.verdict}, says <RefLink to={made.reviewed_by ?? ""} />: {made.note}
        </span>
      ) : (
        <>
          <span className="muted">
            {made.escalated_at ? "The review is overdue since " : "To be reviewed by somebody else by "}
            <Time at={made.due_at} />.
          </span>{" "}
          <Button
            small
            disabled={!may || own}
            title={
              own ? "somebody else reviews what you did" : may ? undefined : "you lack the permission model:approve"
            }
            onClick={() => setAsking(true)}
          >
            Review…
          </Button>
        </>
      )}
      {asking && <Reviewed made={made} onClose={() => setAsking(false)} />}
    </div>
  );
}

function Reviewed({ made, onClose }: { made: Emergency; onClose: () => void }) {
  return (
    <FormDialog
      title={`Was it justified to break the glass for ${made.version.replace("model:", "")}?`}
      verb="Review"
      lead="If not, it counts no more and must be approved like any other. The alias stays; a rollback moves it."
      act={(given) =>
        send("post", "/model-emergencies/{emergency}", {
          path: { emergency: made.id },
          body: { verdict: given("verdict") === "unjustified" ? "unjustified" : "justified", note: given("note") },
        })
      }
      onClose={onClose}
    >
      <Field label="Verdict" name="verdict">
        <select>
          <option value="justified">Justified</option>
          <option value="unjustified">Not justified</option>
        </select>
      </Field>
      <Field label="Why" name="note" required>
        <textarea rows={3} required />
      </Field>
    </FormDialog>
  );
}
