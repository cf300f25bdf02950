import { useMutation, useQuery } from "@tanstack/react-query";
import { Ellipsis, Pause, Play } from "lucide-react";
import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { exact } from "../../kernel/time";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { Menu } from "../../ui/menu";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { timesQuery } from "../queries";
import { pause, resume, unschedule } from "../verbs";
import { BackfillDialog } from "./backfill-dialog";
import { Parameters } from "./parameters";

type Schedule = Schema<"Schedule">;

interface SchedulesProps {
  schedules: readonly Schedule[];
  may: boolean;
  /** How one is made. */
  command: string;
}

export function Schedules({ schedules, may, command }: SchedulesProps) {
  return (
    <Section title="Schedules" note={schedules.length || undefined}>
      {schedules.length === 0 && <Empty title="Nothing starts it by the clock" command={command} />}
      {schedules.map((schedule) => (
        <ScheduleLine key={schedule.name} schedule={schedule} may={may} />
      ))}
    </Section>
  );
}

function ScheduleLine({ schedule, may }: { schedule: Schedule; may: boolean }) {
  const { name, cron, zone, paused, parameters } = schedule;
  const [filling, setFilling] = useState(false);
  const confirm = useConfirm();
  const turn = useMutation({
    mutationFn: () => (paused ? resume(name) : pause(name)),
    onSuccess: () =>
      toast(
        paused
          ? { kind: "ok", text: `${name} goes on` }
          : { kind: "ok", text: `${name} starts nothing until it is resumed`, undo: () => resume(name) },
      ),
  });
  const { mutate } = turn;
  const enabled = may || "needs pipeline:write";
  useVerbs(
    useMemo(
      () => [{ label: `${paused ? "Resume" : "Pause"} ${name}`, run: () => mutate(), enabled }],
      [paused, name, mutate, enabled],
    ),
  );
  const remove = () =>
    confirm({
      title: `Delete the schedule ${name}?`,
      text: "What it started stays. What it would have started, nobody starts.",
      verb: "Delete",
      danger: true,
      act: () => unschedule(name),
    });
  return (
    <article className="cause" aria-label={`Schedule ${name}`}>
      <header className="cause-head">
        <h3>{name}</h3>
        {paused && <Status kind="idle" word="Paused" />}
        <Button
          small
          icon={paused ? <Play aria-hidden /> : <Pause aria-hidden />}
          busy={turn.isPending}
          disabled={!may}
          title={may ? undefined : "needs pipeline:write"}
          onClick={() => mutate()}
        >
          {paused ? "Resume" : "Pause"}
        </Button>
        <Menu
          label={`More about ${name}`}
          iconOnly
          small
          kind="quiet"
          icon={<Ellipsis aria-hidden />}
          items={[
            { text: "Fill in the past…", onSelect: () => setFilling(true), disabled: !may },
            { text: "Delete…", onSelect: () => void remove(), danger: true, disabled: !may },
          ]}
        />
      </header>
      <p>
        <code>{cron}</code> <span className="muted">{zone}</span>
      </p>
      {!paused && <NextTimes of={schedule} />}
      {Object.keys(parameters).length > 0 && <Parameters of={parameters} />}
      {turn.error && <ErrorBox error={turn.error} />}
      {filling && <BackfillDialog schedule={name} onClose={() => setFilling(false)} />}
    </article>
  );
}

function NextTimes({ of: { name, next_at } }: { of: Schedule }) {
  const { data = [] } = useQuery(timesQuery(name));
  return (
    <p className="cause-times">
      <span className="muted">Next</span> <Time at={next_at} />
      {data.slice(1).map((at) => (
        <span key={at} className="muted" title={exact(at)}>
          {" "}
          · <Time at={at} />
        </span>
      ))}
    </p>
  );
}
