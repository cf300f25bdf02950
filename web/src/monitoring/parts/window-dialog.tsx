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
  const [{ start, end, key }] = useState(() => proposed(last, now()));
  const project = useProject();
  const navigate = useNavigate();
  const measure = async (given: Given) => {
    const body = { start: `${given("start")}:00Z`, end: `${given("end")}:00Z`, key: given("key") };
    const path = { monitor };
    if (verb === "assess") return `window:${(await send("post", "/monitors/{monitor}/assess", { path, body })).id}`;
    return `execution:${(await send("post", "/monitors/{monitor}/measure", { path, body })).id}`;
  };
  const onDone = (made: string) => {
    onClose();
    void navigate({ to: href(project, made) });
  };
  const { title, text, verb: word } = SAID[verb];
  const instant = { type: "datetime-local", required: true, step: 60 } as const;
  return (
    <FormDialog title={`${title} ${monitor}?`} verb={word} lead={text} act={measure} onDone={onDone} onClose={onClose}>
      <div className="monitoring-span">
        <Field label="From (UTC)" name="start">
          <input {...instant} defaultValue={start} />
        </Field>
        <Field label="Up to (UTC)" name="end">
          <input {...instant} defaultValue={end} />
        </Field>
      </div>
      <Field
        label="Key (optional)"
        name="key"
        hint="Names the window: under a key that is known, the kept window is the answer. Use another one when more labels have come."
      >
        <input defaultValue={key} />
      </Field>
    </FormDialog>
  );
}
