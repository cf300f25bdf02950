import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { now } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { proposed } from "../proposed";
import type { WindowMark } from "../queries";

interface WindowDialogProps {
  monitor: string;
  last: WindowMark | null;
  verb: "assess" | "measure";
  onClose: () => void;
}

const SAID = {
  assess: {
    title: "Assess a window of",
    text: "Measured here and now, which takes some seconds; what is found sets off the reactions.",
    verb: "Assess",
  },
  measure: {
    title: "Measure a window of",
    text: "A worker measures it as an execution; what is found sets off the reactions.",
    verb: "Measure",
  },
} as const;

/** From when to when predictions are measured. */
export function WindowDialog({ monitor, last, verb, onClose }: WindowDialogProps) {
  const [{ start, end, key }, set] = useState(() => proposed(last, now()));
  const project = useProject();
  const navigate = useNavigate();
  const form = useId();
  const body = { start: `${start}:00Z`, end: `${end}:00Z`, key };
  const measure = useMutation({
    mutationFn: async () => {
      const path = { monitor };
      if (verb === "assess") return `window:${(await send("post", "/monitors/{monitor}/assess", { path, body })).id}`;
      return `execution:${(await send("post", "/monitors/{monitor}/measure", { path, body })).id}`;
    },
    onSuccess: (made) => {
      onClose();
      void navigate({ to: href(project, made) });
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    measure.mutate();
  };
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={form} kind="primary" busy={measure.isPending}>
        {SAID[verb].verb}
      </Button>
    </>
  );
  const ends = { type: "datetime-local", required: true, step: 60 } as const;
  return (
    <Dialog title={`${SAID[verb].title} ${monitor}?`} onClose={onClose} actions={actions}>
      <p>{SAID[verb].text}</p>
      <form id={form} className="monitoring-form" onSubmit={onSubmit}>
        <div className="monitoring-span">
          <Field label="From (UTC)">
            <input
              {...ends}
              value={start}
              max={end}
              onChange={({ target }) => set({ start: target.value, end, key })}
            />
          </Field>
          <Field label="Up to (UTC)">
            <input
              {...ends}
              value={end}
              min={start}
              onChange={({ target }) => set({ start, end: target.value, key })}
            />
          </Field>
        </div>
        <Field
          label="Key (optional)"
          hint="Names the window: under a key that is known, the kept window is the answer. Use another one when more labels have come."
        >
          <input value={key} onChange={({ target }) => set({ start, end, key: target.value })} />
        </Field>
      </form>
      {measure.error && <ErrorBox error={measure.error} />}
    </Dialog>
  );
}
