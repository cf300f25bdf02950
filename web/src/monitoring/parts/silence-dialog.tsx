import { send } from "../../kernel/api/client";
import { date, now } from "../../kernel/time";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { toast } from "../../ui/toasts";

const DAYS = 30;
const DAY = 86_400_000;

interface SilenceDialogProps {
  monitor: string;
  /** What is silenced unless something else is chosen; empty for everything. */
  feature: string;
  features: readonly string[];
  onClose: () => void;
}

/** Until when, about what, and why findings shall set off nothing. */
export function SilenceDialog({ monitor, feature, features, onClose }: SilenceDialogProps) {
  const silence = async (given: Given) => {
    const [about, until] = [given("feature"), given("until")];
    const body = { until: `${until}T00:00:00Z`, reason: given("reason"), feature: about };
    await send("post", "/monitors/{monitor}/silence", { path: { monitor }, body });
    toast({ text: `${about || "Everything"} of ${monitor} is silenced until ${until}` });
  };
  return (
    <FormDialog
      title={`Silence ${monitor}?`}
      verb="Silence"
      lead="Windows that start before that day are still measured and their findings kept, but silenced: they set off no reaction. Findings that are already open stay open."
      act={silence}
      onClose={onClose}
    >
      <Field label="Findings about" name="feature">
        <select defaultValue={feature}>
          <option value="">everything</option>
          <option value="label">label (performance and labels)</option>
          {["score", ...features].map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </Field>
      <Field label="Until" name="until" hint="Midnight UTC, by the time of the platform. It can be ended earlier.">
        <input type="date" required defaultValue={date(now() + DAYS * DAY)} />
      </Field>
      <Field label="Reason" name="reason" required hint="Kept in the ledger.">
        <textarea rows={3} required />
      </Field>
    </FormDialog>
  );
}
