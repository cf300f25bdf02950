import type { ReactNode } from "react";
import { count, full, interval, percent, short } from "../../kernel/number";
import { date, duration, exact, time, useNow } from "../../kernel/time";
import { Meter } from "../../ui/meter";
import type { StatusKind } from "../../ui/status";
import { Time } from "../../ui/time";
import { Hours, Range } from "./marks";
import type { Loop } from "./queries";

/** One part of a loop: where it leads, how it stands, what it says in a word, a line about it, and perhaps a picture. */
export interface Told {
  to: string;
  kind: StatusKind;
  value: ReactNode;
  note: ReactNode;
  /** All of it, on hover. */
  title: string;
  mark?: ReactNode;
}

type Part<Name extends keyof Loop> = NonNullable<Loop[Name]>;
export type PartName = "data" | "trained" | "production" | "rollout" | "health" | "drift" | "quality" | "cost";

/** In the order in which a model goes round. */
export const PARTS: readonly { name: PartName; head: string; of: (loop: Loop) => Told | null | undefined }[] = [
  { name: "data", head: "Data", of: ({ data }) => data && dataTold(data) },
  { name: "trained", head: "Trained", of: ({ trained }) => trained && trainedTold(trained) },
  { name: "rollout", head: "Rollout", of: ({ rollout }) => rollout && rolloutTold(rollout) },
  { name: "production", head: "Production", of: ({ production }) => production && productionTold(production) },
  { name: "health", head: "Health", of: ({ health }) => health && healthTold(health) },
  { name: "drift", head: "Drift", of: ({ drift }) => drift && driftTold(drift) },
  { name: "quality", head: "Quality", of: ({ quality }) => quality && qualityTold(quality) },
  { name: "cost", head: "Cost", of: ({ cost }) => cost && costTold(cost) },
];

const HOUR = 3_600_000;

function dataTold(data: Part<"data">): Told {
  const { version, age_h, promised_h, fresh, state, failed, delivered_at } = data;
  const late = fresh === false;
  const quarantined = state === "quarantined";
  const age = age_h < 1 / 60 ? "Just now" : `${duration(age_h * HOUR)} old`;
  const promise = promised_h == null ? "no age is promised" : `of ${duration(promised_h * HOUR)} promised`;
  return {
    to: version,
    kind: late || quarantined ? "bad" : fresh ? "ok" : "idle",
    value: quarantined ? "In quarantine" : age,
    note: quarantined ? failed.join(", ") : promise,
    title: `${version}, delivered ${exact(delivered_at)}, ${promise}${failed.length ? `; failed: ${failed.join(", ")}` : ""}`,
    mark: promised_h != null && !quarantined && <Meter share={age_h / promised_h} kind={late ? "bad" : "ok"} />,
  };
}

function trainedTold({ version, at, run }: Part<"trained">): Told {
  return {
    to: run ?? version,
    kind: "ok",
    value: `Version ${versionOf(version)}`,
    note: <Time at={at} />,
    title: `${version}, registered ${exact(at)}`,
  };
}

const ROLLED: Readonly<Record<Part<"rollout">["state"], readonly [StatusKind, string]>> = {
  running: ["running", "Running"],
  paused: ["waiting", "Paused"],
  promoted: ["ok", "Promoted"],
  rolled_back: ["warn", "Rolled back"],
  inconclusive: ["waiting", "No verdict"],
  aborted: ["warn", "Aborted"],
};

function rolloutTold(rollout: Part<"rollout">): Told {
  const { candidate, state, weight, pairs, e_value, e_limit, to_rollback, to_end, since, reason } = rollout;
  const [kind, word] = ROLLED[state];
  const running = state === "running";
  return {
    to: rollout.rollout,
    kind,
    value: running ? `At ${percent(weight, 0)}` : state === "paused" ? `Paused at ${percent(weight, 0)}` : word,
    note: running ? count(pairs, "pair") : `version ${versionOf(candidate)}`,
    title: `${candidate} ${word.toLowerCase()} since ${date(since)}: ${reason || "no look yet"}; ${full(pairs)} pairs, e-value ${short(e_value ?? 1)}, rolled back at ${short(e_limit)}`,
    mark: (
      <span className="mark-two">
        <Meter share={to_rollback} kind={to_rollback >= 1 ? "bad" : "warn"} />
        <Meter share={state === "promoted" ? 1 : to_end} kind="info" />
      </span>
    ),
  };
}

function productionTold({ version, since, by, endpoint }: Part<"production">): Told {
  return {
    to: version,
    kind: "ok",
    value: `Version ${versionOf(version)}`,
    note: <For since={since} />,
    title: `${version} since ${exact(since)} by ${by}${endpoint ? `, behind ${endpoint}` : ""}`,
  };
}

/** "for 74 d" */
function For({ since }: { since: string }) {
  const span = duration(Math.max(1000, useNow() - time(since)));
  return `for ${span.split(" ", 2).join(" ")}`;
}

function healthTold({ endpoint, requests, errors, p50_ms, p95_ms, spark, spark_errors }: Part<"health">): Told {
  const fast = p95_ms == null ? "" : `, ${short(p95_ms)} ms`;
  return {
    to: endpoint,
    kind: requests === 0 ? "idle" : errors > 0 ? "warn" : "ok",
    value: requests === 0 ? "Idle" : `${short(requests)} requests`,
    note: requests === 0 ? "no request in 24 h" : `${errors === 0 ? "no error" : `${short(errors)} failed`}${fast}`,
    title: `${endpoint}, last 24 h: ${full(requests)} requests, ${full(errors)} failed${p50_ms == null ? "" : `, p50 ${short(p50_ms)} ms`}${p95_ms == null ? "" : `, p95 ${short(p95_ms)} ms`}`,
    mark: requests > 0 && <Hours all={spark} failed={spark_errors} />,
  };
}

function driftTold({ monitor, window, worst, open_findings }: Part<"drift">): Told {
  const open = open_findings === 0 ? "nothing open" : `${short(open_findings)} open`;
  if (!worst)
    return { to: monitor, kind: open_findings ? "warn" : "idle", value: "Not measured", note: open, title: monitor };
  const { feature, test, effect, low, high, tolerance, alarm } = worst;
  return {
    to: window ?? monitor,
    kind: alarm ? "bad" : open_findings ? "warn" : "ok",
    value: `${short(effect)} ${test === "ks" ? "KS" : test.replaceAll("_", " ")}`,
    note: feature,
    title: `${feature}: ${test} ${short(effect)} ${interval(low, high)}, 95 % interval; tolerance ${short(tolerance)}; ${open}`,
    mark: (
      <Range
        value={effect}
        low={low}
        high={high}
        against={tolerance}
        span={[0, Math.max(high, 2 * tolerance)]}
        kind={alarm ? "bad" : "ok"}
      />
    ),
  };
}

function qualityTold(quality: Part<"quality">): Told {
  const { metric, now, low, high, approved, approved_low, approved_high, labelled, rows, window, alarm } = quality;
  const ends = [low, high, approved_low, approved_high, approved].filter((end) => end != null);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const room = 0.08 * (most - least);
  const before = approved == null ? "" : `was ${short(approved)}`;
  return {
    to: window,
    kind: alarm ? "bad" : "ok",
    value: `${short(now)} ${metric.toUpperCase()}`,
    note: before || interval(low, high),
    title: `${metric} ${short(now)} ${interval(low, high)}, 95 % interval; ${before} when it was approved; ${full(labelled)} of ${full(rows)} rows are labelled`,
    mark: (
      <Range
        value={now}
        low={low}
        high={high}
        against={approved}
        span={[least - room, most + room]}
        kind={alarm ? "bad" : "ok"}
      />
    ),
  };
}

function costTold({ days, runs, failed, cpu_s, money }: Part<"cost">): Told {
  return {
    to: "",
    kind: failed > 0 ? "warn" : "idle",
    value: money == null ? `${cpuTime(cpu_s)} CPU` : short(money),
    note: `${short(runs)} run${runs === 1 ? "" : "s"} in ${days} d${failed ? `, ${short(failed)} failed` : ""}`,
    title: `${full(runs)} runs in ${days} days, ${full(failed)} failed: ${full(Math.round(cpu_s))} s of CPU`,
  };
}

function cpuTime(seconds: number): string {
  if (seconds < 90) return `${short(seconds)} s`;
  return seconds < 5400 ? `${short(seconds / 60)} min` : `${short(seconds / 3600)} h`;
}

function versionOf(ref: string): string {
  return ref.slice(ref.lastIndexOf("@") + 1);
}
