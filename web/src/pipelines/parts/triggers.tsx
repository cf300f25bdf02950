import { Plus } from "lucide-react";
import { useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { RefLink } from "../../ui/ref-link";
import { pauseTrigger, resumeTrigger, untrigger } from "../verbs";
import { Cause } from "./cause";
import type { CausesProps } from "./schedules";
import { TriggerDialog } from "./trigger-dialog";

type Trigger = Schema<"Trigger">;

export function Triggers({ page, may, command }: CausesProps) {
  const [open, setOpen] = useState<Trigger | "new">();
  const { triggers, problem } = page;
  const add = may && !problem && (
    <Button small icon={<Plus aria-hidden />} onClick={() => setOpen("new")}>
      Trigger…
    </Button>
  );
  return (
    <Section title="Triggers" note={triggers.length || undefined} aside={add}>
      {triggers.length === 0 && <Empty title="No event starts it" command={command} />}
      {triggers.map((trigger) => (
        <Cause
          key={trigger.name}
          kind="trigger"
          name={trigger.name}
          parameters={trigger.parameters}
          paused={trigger.paused}
          stopped={trigger.stopped}
          may={may}
          pause={() => pauseTrigger(trigger.name)}
          resume={() => resumeTrigger(trigger.name)}
          remove={() => untrigger(trigger.name)}
          lost="Events that come from now on start nothing through it."
          items={[{ text: "Change…", onSelect: () => setOpen(trigger), disabled: problem !== "" }]}
        >
          <p>
            on <code>{trigger.on}</code> of <Subject of={trigger.subject} />
          </p>
        </Cause>
      ))}
      {open && (
        <TriggerDialog page={page} trigger={open === "new" ? undefined : open} onClose={() => setOpen(undefined)} />
      )}
    </Section>
  );
}

/** A Ref, or a pattern of such. */
function Subject({ of }: { of: string }) {
  if (of === "*") return "anything";
  return /[*?[]/.test(of) ? <code>{of}</code> : <RefLink to={of} />;
}
