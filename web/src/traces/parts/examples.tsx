import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Json } from "../../ui/json";
import { Loaded } from "../../ui/loaded";
import { toast } from "../../ui/toasts";
import { evalsetsQuery } from "../queries";
import type { EvalSet, Span, Trace } from "../words";

export function MakeSet({ onDone, onClose }: { onDone: (made: EvalSet) => void; onClose: () => void }) {
  const make = (given: Given) => send("post", "/evalsets", { body: { name: given("name") } });
  return (
    <FormDialog title="New evaluation set" verb="Create" act={make} onDone={onDone} onClose={onClose}>
      <Field label="Name" name="name" required>
        <input required maxLength={200} placeholder="questions that went wrong" />
      </Field>
    </FormDialog>
  );
}

/** Makes what went into a trace an example that applications are judged by. */
export function AddExample({ trace, root }: { trace: Trace; root: Span | undefined }) {
  const [open, setOpen] = useState(false);
  const inputs = root && entries(root.inputs);
  if (!inputs) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>Add to evaluation set…</Button>
      {open && <Choose {...{ trace, inputs }} outputs={root.outputs} onClose={() => setOpen(false)} />}
    </>
  );
}

type Entries = Readonly<Record<string, unknown>>;

/** An example is of named inputs. */
function entries(value: unknown): Entries | undefined {
  if (value === null || value === undefined) return undefined;
  return typeof value === "object" && !Array.isArray(value) ? (value as Entries) : { input: value };
}

interface ChooseProps {
  trace: Trace;
  inputs: Entries;
  outputs: unknown;
  onClose: () => void;
}

const NEW = "";

function Choose({ trace, inputs, outputs, onClose }: ChooseProps) {
  const sets = useQuery(evalsetsQuery);
  const [chosen, setChosen] = useState<string>();
  const said = (trace.assessments ?? []).filter(({ kind, valid }) => valid && kind === "expectation");
  const expectations = Object.fromEntries(said.map(({ name, value }) => [name, value]));
  const add = async (given: Given) => {
    const name = given("name");
    const evalset = given("evalset") || (await send("post", "/evalsets", { body: { name } })).id;
    const source = { source_type: "TRACE", source_data: { trace_id: trace.id } };
    const body = { records: [{ inputs, outputs, expectations, source }] };
    const { inserted } = await send("post", "/evalsets/{evalset}/records", { path: { evalset }, body });
    toast({ kind: "ok", text: inserted ? "It is an example now" : "The set has an example of the same inputs" });
    onClose();
  };
  return (
    <FormDialog
      title="Add to an evaluation set"
      verb="Add"
      lead="What went in becomes an example, with what people expected of the answer."
      act={add}
      onClose={onClose}
    >
      <Loaded query={sets}>
        {(all) => {
          const value = chosen ?? all[0]?.id ?? NEW;
          return (
            <>
              <Field label="Set" name="evalset">
                <select value={value} onChange={(event) => setChosen(event.target.value)}>
                  {all.map(({ id, name }) => (
                    <option key={id} value={id}>
                      {name}
                    </option>
                  ))}
                  <option value={NEW}>a new one…</option>
                </select>
              </Field>
              {value === NEW && (
                <Field label="Name of the new set" name="name" required>
                  <input required maxLength={200} placeholder="questions that went wrong" />
                </Field>
              )}
            </>
          );
        }}
      </Loaded>
      <Json value={said.length > 0 ? { inputs, expectations } : { inputs }} />
    </FormDialog>
  );
}
