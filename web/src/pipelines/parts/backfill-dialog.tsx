import { count } from "../../kernel/number";
import { date, now } from "../../kernel/time";
import { Field } from "../../ui/field";
import { FormDialog } from "../../ui/form-dialog";
import { toast } from "../../ui/toasts";
import { backfill } from "../verbs";

const DAY = 86_400_000;

/** Starts what a schedule would have started within some days. */
export function BackfillDialog({ schedule, onClose }: { schedule: string; onClose: () => void }) {
  return (
    <FormDialog
      title={`Fill in the past of ${schedule}`}
      verb="Start them"
      lead="An execution for each time of the schedule that has none. They wait behind all others."
      act={(given) =>
        backfill(schedule, `${given("since")}T00:00:00Z`, `${given("until")}T00:00:00Z`, Number(given("concurrency")))
      }
      onDone={({ asked, known }) => {
        toast({ kind: "ok", text: `${count(asked, "execution")} asked for, ${known} had been there` });
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="From" name="since">
        <input type="date" required defaultValue={date(now() - 7 * DAY)} />
      </Field>
      <Field label="Up to, without" name="until" hint="Days in UTC.">
        <input type="date" required defaultValue={date(now())} />
      </Field>
      <Field label="At most at a time" name="concurrency">
        <input type="number" required min={1} max={1000} defaultValue={1} />
      </Field>
    </FormDialog>
  );
}
