import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { count } from "../../kernel/number";
import { date, now } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { toast } from "../../ui/toasts";
import { backfill } from "../verbs";

const DAY = 86_400_000;

/** Starts what a schedule would have started within some days. */
export function BackfillDialog({ schedule, onClose }: { schedule: string; onClose: () => void }) {
  const [since, setSince] = useState(() => date(now() - 7 * DAY));
  const [until, setUntil] = useState(() => date(now()));
  const [most, setMost] = useState(1);
  const form = useId();
  const fill = useMutation({
    mutationFn: () => backfill(schedule, `${since}T00:00:00Z`, `${until}T00:00:00Z`, most),
    onSuccess: ({ asked, known }) => {
      toast({ kind: "ok", text: `${count(asked, "execution")} asked for, ${known} had been there` });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    fill.mutate();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={form} kind="primary" busy={fill.isPending}>
        Start them
      </Button>
    </>
  );
  return (
    <Dialog title={`Fill in the past of ${schedule}`} onClose={onClose} actions={actions}>
      <p>An execution for each time of the schedule that has none. They wait behind all others.</p>
      <form id={form} className="stack" onSubmit={submit}>
        <Field label="From">
          <input type="date" required value={since} onChange={(event) => setSince(event.target.value)} />
        </Field>
        <Field label="Up to, without" hint="Days in UTC.">
          <input type="date" required value={until} onChange={(event) => setUntil(event.target.value)} />
        </Field>
        <Field label="At most at a time">
          <input
            type="number"
            required
            min={1}
            max={1000}
            value={most}
            onChange={(event) => setMost(event.target.valueAsNumber)}
          />
        </Field>
      </form>
      {fill.error && <ErrorBox error={fill.error} />}
    </Dialog>
  );
}
