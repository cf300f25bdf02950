import { useQuery } from "@tanstack/react-query";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { date } from "../../kernel/time";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Loaded } from "../../ui/loaded";
import { Skeleton } from "../../ui/skeleton";
import { toast } from "../../ui/toasts";
import { referencesQuery } from "../queries";

type Table = Schema<"ReferenceTable">;

interface RebaseDialogProps {
  monitor: Schema<"Monitor">;
  onClose: () => void;
}

/** With which table windows are compared from now on, and why. */
export function RebaseDialog({ monitor: { name, block }, onClose }: RebaseDialogProps) {
  const references = useQuery(referencesQuery(name));
  const rebase = async (given: Given) => {
    const reference = given("reference") || given("digest");
    const body = { reference, reason: given("reason") };
    await send("post", "/monitors/{monitor}/rebase", { path: { monitor: name }, body });
    toast({ text: `${name} is compared with ${reference.slice(0, 12)} from now on` });
  };
  return (
    <FormDialog
      title={`Change the reference of ${name}?`}
      verb="Change reference"
      lead="Windows from now on are compared with this table, such as that of a newly promoted version. Windows already measured stay as they are."
      act={rebase}
      onClose={onClose}
    >
      <Loaded query={references} skeleton={<Skeleton lines={4} />}>
        {(tables) => <Tables tables={tables} block={block} />}
      </Loaded>
      <Field label="Reason" name="reason" required hint="Kept in the ledger.">
        <textarea rows={3} required />
      </Field>
    </FormDialog>
  );
}

/** The tables that fit; where there is no other, a digest is asked for. */
function Tables({ tables, block }: { tables: readonly Table[]; block: string }) {
  const others = tables.filter(({ current }) => !current);
  const present = tables.find(({ current }) => current);
  if (others.length === 0)
    return (
      <Field
        label="Digest of the reference"
        name="digest"
        required
        hint={`No other table that holds all of it was found. One needs the features, score, label${block ? ` and ${block}` : ""}.`}
      >
        <input className="mono" required pattern="[0-9a-f]{64}" title="64 hexadecimal digits" spellCheck={false} />
      </Field>
    );
  return (
    <Field
      label="Reference"
      name="reference"
      required
      hint={present ? `At present ${said(present)}.` : "Tables that hold all that is compared, the newest first."}
    >
      <select required>
        {others.map((table) => (
          <option key={table.digest} value={table.digest}>
            {said(table)}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** `late@10, 26,412 rows, of 2014-01-02 (d371030e7727)` */
function said({ digest, rows, version, made_at }: Table): string {
  const of = version ? `${version.replace(/^model:/, "")}, ` : "";
  return `${of}${full(rows)} rows, of ${date(made_at)} (${digest.slice(0, 12)})`;
}
