import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { now } from "../../kernel/time";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { proposed } from "../proposed";
import type { WindowMark } from "../queries";

interface WindowDialogProps {
  monitor: string;
  last: WindowMark | null;
  onClose: () => void;
}

/** From when to when predictions are measured. */
export function WindowDialog({ monitor, last, onClose }: WindowDialogProps) {
  const [{ start, end, key }] = useState(() => proposed(last, now()));
  const project = useProject();
  const navigate = useNavigate();
  const measure = async (given: Given) => {
    const body = { start: `${given("start")}:00Z`, end: `${given("end")}:00Z`, key: given("key") };
    const path = { monitor };
    if (given("by") === "server")
      return `window:${(await send("post", "/monitors/{monitor}/assess", { path, body })).id}`;
    return `execution:${(await send("post", "/monitors/{monitor}/measure", { path, body })).id}`;
  };
  const onDone = (made: string) => {
    onClose();
    void navigate({ to: href(project, made) });
  };
  const instant = { type: "datetime-local", required: true, step: 60 } as const;
  return (
    <FormDialog
      title={`Measure a window of ${monitor}`}
      verb="Measure"
      lead="Predictions of this time are compared with the reference; findings set off the reactions."
      act={measure}
      onDone={onDone}
      onClose={onClose}
    >
      <div className="monitoring-span">
        <Field label="From (UTC)" name="start">
          <input {...instant} defaultValue={start} />
        </Field>
        <Field label="Up to (UTC)" name="end">
          <input {...instant} defaultValue={end} />
        </Field>
      </div>
      <Field label="Measured" name="by">
        <select defaultValue="server">
          <option value="server">now, by this server</option>
          <option value="worker">by a worker, as an execution</option>
        </select>
      </Field>
      <Field
        label="Key (optional)"
        name="key"
        hint="Names the window. A known key returns the window measured before; use another when more labels have come."
      >
        <input defaultValue={key} />
      </Field>
    </FormDialog>
  );
}
