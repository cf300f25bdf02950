import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import { date, now } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
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
  const [about, setAbout] = useState(feature);
  const [until, setUntil] = useState(date(now() + DAYS * DAY));
  const [reason, setReason] = useState("");
  const form = useId();
  const silence = useMutation({
    mutationFn: () =>
      send("post", "/monitors/{monitor}/silence", {
        path: { monitor },
        body: { until: `${until}T00:00:00Z`, reason: reason.trim(), feature: about },
      }),
    onSuccess: () => {
      toast({ text: `${about || "Everything"} of ${monitor} is silenced until ${until}` });
      onClose();
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    silence.mutate();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={form} kind="primary" busy={silence.isPending}>
        Silence
      </Button>
    </>
  );
  return (
    <Dialog title={`Silence ${monitor}?`} onClose={onClose} actions={actions}>
      <p>
        Windows that start before that day are measured and their findings kept, but these are born silenced and set off
        no reaction. Findings that are open already stay so.
      </p>
      <form id={form} className="monitoring-form" onSubmit={onSubmit}>
        <Field label="Findings about">
          <select value={about} onChange={(event) => setAbout(event.target.value)}>
            <option value="">everything</option>
            <option value="label">label (performance and labels)</option>
            {["score", ...features].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </Field>
        <Field label="Until" hint="Midnight UTC, by the time of the platform.">
          <input type="date" required value={until} onChange={(event) => setUntil(event.target.value)} />
        </Field>
        <Field label="Reason" required hint="Kept in the ledger.">
          <textarea rows={3} required value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      </form>
      {silence.error && <ErrorBox error={silence.error} />}
    </Dialog>
  );
}
