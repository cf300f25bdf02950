import type { Schema } from "../../kernel/api/types";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { toast } from "../../ui/toasts";
import { calledBy, schedule as set } from "../verbs";
import { ParameterFields, parametersOf } from "./parameter-fields";

type Schedule = Schema<"Schedule">;

interface ScheduleDialogProps {
  page: Schema<"PipelinePage">;
  /** What is changed; without, one is made. */
  schedule?: Schedule | undefined;
  onClose: () => void;
}

const CATCH_UP: Readonly<Record<Schedule["catch_up"], string>> = {
  latest: "start the latest of them",
  all: "start every one of them",
  none: "start none of them",
};
const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone")];

/** By which clock the pipeline starts, and with what. */
export function ScheduleDialog({ page: { pipeline, parameters }, schedule, onClose }: ScheduleDialogProps) {
  const act = (given: Given) =>
    set(schedule?.name ?? given("name"), {
      pipeline: calledBy(pipeline),
      cron: given("cron"),
      zone: given("zone"),
      catch_up: given("catch_up") as Schedule["catch_up"],
      parameters: parametersOf(given, parameters),
    });
  return (
    <FormDialog
      title={schedule ? `Change ${schedule.name}` : `Schedule ${pipeline.name}`}
      verb={schedule ? "Change" : "Schedule"}
      act={act}
      onDone={({ name, cron, zone }) => {
        toast({ kind: "ok", text: `${name} starts ${pipeline.name} at ${cron}, ${zone}` });
        onClose();
      }}
      onClose={onClose}
    >
      {!schedule && (
        <Field label="Name" name="name" required>
          <input required autoComplete="off" placeholder="nightly" />
        </Field>
      )}
      <Field
        label="Times"
        name="cron"
        hint="minute, hour, day of month, month, day of week: 0 6 * * 1-5 is six o'clock from Monday to Friday"
        required
      >
        <input
          className="mono"
          required
          autoComplete="off"
          spellCheck={false}
          defaultValue={schedule?.cron ?? "0 6 * * *"}
        />
      </Field>
      <Field label="Time zone" name="zone">
        <input required list="schedule-zones" autoComplete="off" defaultValue={schedule?.zone ?? "UTC"} />
      </Field>
      <datalist id="schedule-zones">
        {ZONES.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <Field label="Missed times" hint="Those that passed while no server ran." name="catch_up">
        <select defaultValue={schedule?.catch_up ?? "latest"}>
          {Object.entries(CATCH_UP).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </Field>
      <ParameterFields
        taken={parameters}
        given={schedule?.parameters ?? {}}
        facts="${nominal} is the time for which it starts, ${previous} the one before, ${date} the day."
      />
    </FormDialog>
  );
}
