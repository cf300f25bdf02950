import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { useActor, useMay } from "../../kernel/session";
import { now, time } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { emergenciesQuery } from "../queries";
import type { VersionLine } from "./standing";
import { Words } from "./words";

type Emergency = Schema<"Emergency">;

/** When the glass was broken in this project: what nobody has reviewed comes first. */
export function BrokenGlass() {
  const { data: all = [] } = useQuery(emergenciesQuery);
  if (all.length === 0) return null;
  const open = all.filter(({ verdict }) => !verdict);
  return (
    <Section
      title="Break-glass promotions"
      note={open.length ? `${count(open.length, "review")} open` : "all reviewed"}
      aside={<span className="muted">put into production without approval</span>}
    >
      {[...open, ...all.filter(({ verdict }) => verdict)].slice(0, 10).map((made) => (
        <Broken key={made.id} made={made} named />
      ))}
    </Section>
  );
}

interface BrokenProps {
  made: Emergency;
  /** The version, where it is known in which state that is. */
  state?: VersionLine["state"];
  /** Names the version, where the page is not about it. */
  named?: boolean;
}

/** Who broke the glass, why, until when it counts, and what others said of it; lets somebody else review it. */
export function Broken({ made, state, named = false }: BrokenProps) {
  return (
    <div className="model-notice">
      <Status kind={made.verdict ? "info" : "bad"} word="Break-glass" badge />{" "}
      {named && (
        <>
          for <RefLink to={made.version} bare />{" "}
        </>
      )}
      by <RefLink to={made.by} /> <Time at={made.at} />: <Words text={made.reason} />{" "}
      <span className="muted">
        <Until made={made} state={state} />
      </span>{" "}
      <Verdict made={made} />
    </div>
  );
}

function Until({ made, state }: { made: Emergency; state: VersionLine["state"] | undefined }) {
  if (state === "approved") return "It has been approved since.";
  if (state === "rejected" || state === "retired") return `It was ${state} since.`;
  if (state === "registered") return "It is no longer valid.";
  if (time(made.ends_at) > now())
    return (
      <>
        Valid until <Time at={made.ends_at} />, unless it is approved or rolled back before.
      </>
    );
  return (
    <>
      Expired <Time at={made.ends_at} />: approve it, or roll it back.
    </>
  );
}

function Verdict({ made }: { made: Emergency }) {
  const [asking, setAsking] = useState(false);
  const may = useMay("model:approve");
  const own = useActor() === made.by;
  if (made.verdict)
    return (
      <span className="muted">
        {made.verdict === "justified" ? "Justified" : "Not justified"}, says <RefLink to={made.reviewed_by ?? ""} />
        {made.reviewed_at && (
          <>
            {" "}
            <Time at={made.reviewed_at} />
          </>
        )}
        : {made.note}
      </span>
    );
  return (
    <>
      <span className="muted">
        {made.escalated_at ? "The review is overdue since " : "Somebody else must review it by "}
        <Time at={made.due_at} />.
      </span>{" "}
      <Button
        small
        disabled={!may || own}
        title={own ? "somebody else must review what you did" : may ? undefined : "needs the permission model:approve"}
        onClick={() => setAsking(true)}
      >
        Review…
      </Button>
      {asking && <Reviewed made={made} onClose={() => setAsking(false)} />}
    </>
  );
}

function Reviewed({ made, onClose }: { made: Emergency; onClose: () => void }) {
  const of = made.version.replace("model:", "");
  return (
    <FormDialog
      title={`Review the break-glass promotion of ${of}`}
      verb="Review"
      lead="Justified or not, it is valid for a limited time. If not justified, it stops being valid now. The alias stays; a rollback moves it."
      act={(given) =>
        send("post", "/model-emergencies/{emergency}", {
          path: { emergency: made.id },
          body: { verdict: given("verdict") === "unjustified" ? "unjustified" : "justified", note: given("note") },
        })
      }
      onDone={() => {
        toast({ text: `Reviewed the break-glass promotion of ${of}` });
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="Verdict" name="verdict">
        <select>
          <option value="justified">Justified</option>
          <option value="unjustified">Not justified</option>
        </select>
      </Field>
      <Field label="Why" name="note" required hint="Kept in the ledger.">
        <textarea rows={3} required />
      </Field>
    </FormDialog>
  );
}
