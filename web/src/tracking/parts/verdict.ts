import { ago, duration, now, time } from "../../kernel/time";
import type { Metric, Run, Story } from "../queries";
import { took } from "./took";

/** The answer to "did it work?" in one sentence. */
export function outcome(run: Run): string {
  const long = took({ ...run, wall_s: run.spent?.wall_s });
  const span = long === "–" ? "" : long;
  if (run.state === "running") return span ? `Running for ${span}` : "Running";
  if (run.state === "finished") return span ? `Finished in ${span}` : "Finished";
  if (run.state === "failed") return span ? `Failed after ${span}` : "Failed";
  return run.error || run.ended_at ? "Stopped before its end" : "Its process fell silent";
}

/** `11 finished, 1 failed`. */
export function partsInWords(parts: Story["parts"]): string {
  return Object.entries(parts)
    .map(([state, n]) => `${n} ${state}`)
    .join(", ");
}

/** When a run that goes on was last heard of. */
export function lastPoint(metrics: Readonly<Record<string, Metric>>): string | undefined {
  const times = Object.values(metrics).map(({ at }) => time(at));
  if (times.length === 0) return undefined;
  const last = Math.max(...times);
  const passed = now() - last;
  return passed >= 1000 && passed < 45_000 ? `${duration(passed)} ago` : ago(last);
}

export type Repeatable = { kind: "ok" | "warn" | "bad" | "info"; sentence: string };

/** The answer to "can I repeat it?"; what is recorded is the server's word. */
export function repeatable({ repeat, run }: Story): Repeatable {
  if (repeat.execution)
    return { kind: "info", sentence: "A pipeline ran it, with its own code and data: repeat it there" };
  if (repeat.commands.length === 0) return { kind: "bad", sentence: `Not from here: ${repeat.lacks.join("; ")}` };
  if (repeat.lacks.length === 0)
    return {
      kind: "ok",
      sentence: run.inputs.length ? "Yes: code, packages and data are recorded" : "Yes: code and packages are recorded",
    };
  return { kind: "warn", sentence: `Not exactly: ${repeat.lacks.join("; ")}` };
}
