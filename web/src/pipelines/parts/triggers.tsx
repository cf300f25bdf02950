import { Trash2 } from "lucide-react";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { untrigger } from "../verbs";
import { Parameters } from "./parameters";

interface TriggersProps {
  triggers: readonly Schema<"Trigger">[];
  may: boolean;
  /** How one is made. */
  command: string;
}

export function Triggers({ triggers, may, command }: TriggersProps) {
  const confirm = useConfirm();
  const remove = (name: string) =>
    confirm({
      title: `Delete the trigger ${name}?`,
      text: "What it started stays. Events that come from now on start nothing through it.",
      verb: "Delete",
      danger: true,
      act: () => untrigger(name),
    });
  return (
    <Section title="Triggers" note={triggers.length || undefined}>
      {triggers.length === 0 && <Empty title="No event starts it" command={command} />}
      {triggers.map(({ name, on, subject, parameters, stopped }) => (
        <article key={name} className="cause" aria-label={`Trigger ${name}`}>
          <header className="cause-head">
            <h3>{name}</h3>
            {stopped && <Status kind="bad" word="Stopped" />}
            <Button
              small
              kind="quiet"
              icon={<Trash2 aria-hidden />}
              aria-label={`Delete ${name}`}
              disabled={!may}
              onClick={() => void remove(name)}
            />
          </header>
          <p>
            on <code>{on}</code> {subject && <Subject of={subject} />}
          </p>
          {Object.keys(parameters).length > 0 && <Parameters of={parameters} />}
          {stopped && <p className="cause-stopped">{stopped}</p>}
        </article>
      ))}
    </Section>
  );
}

/** A Ref, or a pattern of such. */
function Subject({ of }: { of: string }) {
  return /[*?[]/.test(of) ? (
    <>
      of <code>{of}</code>
    </>
  ) : (
    <>
      of <RefLink to={of} />
    </>
  );
}
