import { useState } from "react";
import { get, send } from "../../kernel/api/client";
import { ApiError } from "../../kernel/api/errors";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { toast } from "../../ui/toasts";

const WHICH = { all: "all", since: "from an instant on", between: "in a time span" };
type Which = keyof typeof WHICH;
const INSTANT = { type: "datetime-local", required: true, step: 1 } as const;

/** Sends a subscription events once more: all of them, or those of a time. */
export function ReplayDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [which, setWhich] = useState<Which>("all");
  const replay = async (given: Given) => {
    const after = which === "all" ? -1 : (await eventAt({ since: instant(given("since")) }, "since")) - 1;
    const until =
      which === "between" ? await eventAt({ until: instant(given("until")), newest_first: true }, "until") : undefined;
    await send("post", "/ledger/subscriptions/{name}/replay", { path: { name }, body: { after, until } });
    toast({ text: `Sending events to ${name} again` });
    onClose();
  };
  return (
    <FormDialog
      title={`Send events to ${name} again`}
      verb="Send again"
      lead="Receivers recognise repeats by the event id."
      act={replay}
      onClose={onClose}
    >
      <Field label="Events" name="which">
        <select value={which} onChange={({ target }) => setWhich(target.value as Which)}>
          {Object.entries(WHICH).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </Field>
      {which !== "all" && (
        <Field label="From (UTC)" name="since" required>
          <input {...INSTANT} />
        </Field>
      )}
      {which === "between" && (
        <Field label="Up to (UTC)" name="until" required hint="At most 10,000 events at once.">
          <input {...INSTANT} />
        </Field>
      )}
    </FormDialog>
  );
}

function instant(local: string): string {
  return `${local.length === 16 ? `${local}:00` : local}Z`;
}

/** Where the first event stands that is meant, or the last one. */
async function eventAt(query: { since?: string; until?: string; newest_first?: boolean }, field: string) {
  const { items } = await get("/ledger/events", { query: { ...query, limit: 1 } });
  const [found] = items;
  if (found) return found.seq;
  const message = field === "since" ? "nothing happened from then on" : "nothing had happened by then";
  throw new ApiError(400, { type: "Invalid", message, field });
}
