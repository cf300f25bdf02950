import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { exact } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Time } from "../../ui/time";
import { timesQuery } from "../queries";
import { pause, resume, unschedule } from "../verbs";
import { BackfillDialog } from "./backfill-dialog";
import { Cause } from "./cause";
import { ScheduleDialog } from "./schedule-dialog";

type Schedule = Schema<"Schedule">;

export interface CausesProps {
  page: Schema<"PipelinePage">;
  may: boolean;
  /** How one is made. */
  command: string;
}

export function Schedules({ page, may, command }: CausesProps) {
  const [making, setMaking] = useState(false);
  const { schedules, problem } = page;
  const add = may && !problem && (
    <Button small icon={<Plus aria-hidden />} onClick={() => setMaking(true)}>
      Schedule…
    </Button>
  );
  return (
    <Section title="Schedules" note={schedules.length || undefined} aside={add}>
      {schedules.length === 0 && <Empty title="No schedules" command={command} />}
      {schedules.map((schedule) => (
        <ScheduleLine key={schedule.name} page={page} schedule={schedule} may={may} />
      ))}
      {making && <ScheduleDialog page={page} onClose={() => setMaking(false)} />}
    </Section>
  );
}

function ScheduleLine({ page, schedule, may }: { page: CausesProps["page"]; schedule: Schedule; may: boolean }) {
  const { name, cron, zone, paused, parameters } = schedule;
  const [open, setOpen] = useState<"change" | "fill">();
  const close = () => setOpen(undefined);
  return (
    <Cause
      kind="schedule"
      name={name}
      parameters={parameters}
      paused={paused}
      may={may}
      pause={() => pause(name)}
      resume={() => resume(name)}
      remove={() => unschedule(name)}
      lost="What it would have started, nobody starts."
      items={[
        { text: "Change…", onSelect: () => setOpen("change"), disabled: page.problem !== "" },
        { text: "Fill in the past…", onSelect: () => setOpen("fill") },
      ]}
    >
      <p>
        <code>{cron}</code> <span className="muted">{zone}</span>
      </p>
      {!paused && <NextTimes of={schedule} />}
      {open === "change" && <ScheduleDialog page={page} schedule={schedule} onClose={close} />}
      {open === "fill" && <BackfillDialog schedule={name} onClose={close} />}
    </Cause>
  );
}

function NextTimes({ of }: { of: Schedule }) {
  const { data = [] } = useQuery(timesQuery(of));
  return (
    <p className="cause-times">
      <span className="muted">Next</span> <Time at={of.next_at} />
      {data.slice(1).map((at) => (
        <span key={at} className="muted" title={exact(at)}>
          {" "}
          · <Time at={at} />
        </span>
      ))}
    </p>
  );
}
