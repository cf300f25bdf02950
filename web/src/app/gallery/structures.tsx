import { useState } from "react";
import { Section } from "../../ui/card";
import { Gantt, type GanttRow } from "../../ui/gantt/gantt";
import { Graph } from "../../ui/graph/graph";
import type { GraphData } from "../../ui/graph/narrow";
import { noise } from "./samples";

const T = Date.UTC(2013, 8, 2, 4);
const MINUTE = 60_000;

function row(key: string, from: number, took: number, more: Partial<GanttRow> = {}): GanttRow {
  const attempt = {
    key,
    queued: T + (from - 1) * MINUTE,
    started: T + from * MINUTE,
    ended: T + (from + took) * MINUTE,
  };
  return { key, label: key, name: key, attempts: [{ ...attempt, kind: "ok", word: "finished" }], ...more };
}

const ROWS: GanttRow[] = [
  row("extract", 1, 3, { critical: true }),
  row("join weather", 5, 6, { critical: true }),
  { key: "features", label: "features", name: "features", attempts: [], reused: { at: T + 11 * MINUTE, to: "/" } },
  {
    key: "train",
    label: "train",
    name: "train",
    critical: true,
    attempts: [
      {
        key: "t1",
        queued: T + 11 * MINUTE,
        started: T + 12 * MINUTE,
        ended: T + 15 * MINUTE,
        kind: "bad",
        word: "failed",
      },
      {
        key: "t2",
        queued: T + 15 * MINUTE,
        started: T + 16 * MINUTE,
        ended: T + 30 * MINUTE,
        kind: "ok",
        word: "finished",
      },
    ],
  },
  row("wait for labels", 300, 4),
  {
    ...row("evaluate", 305, 5),
    attempts: [{ key: "e", queued: null, started: T + 305 * MINUTE, ended: null, kind: "running", word: "running" }],
  },
  { key: "register", label: "register", name: "register", attempts: [] },
];

function lineage(many: number): GraphData {
  const next = noise(5);
  const nouns = ["dataset", "feature", "run", "model", "endpoint", "monitor"];
  const nodes = Array.from({ length: many }, (_, i) => {
    const noun = nouns[Math.min(5, Math.floor((i / many) * 6))] ?? "run";
    return {
      id: `${i}`,
      kind: noun,
      label: `${noun}-${i}`,
      note: i % 5 === 0 ? "v3" : "",
      ...(i % 9 === 0 && { state: "bad" as const }),
    };
  });
  const edges = nodes.slice(1).flatMap((_, i) => {
    const to = i + 1;
    const from = Math.max(0, to - 1 - Math.floor(next() * many * 0.2));
    return next() < 0.5
      ? [[`${from}`, `${to}`] as const]
      : [[`${from}`, `${to}`] as const, [`${Math.floor(next() * to)}`, `${to}`] as const];
  });
  return { nodes, edges };
}

const SMALL = lineage(12);
const LARGE = lineage(300);

export function Structures() {
  const [focus, setFocus] = useState("150");
  return (
    <>
      <Section title="Execution">
        <Gantt label="Steps" rows={ROWS} now={T + 311 * MINUTE} />
      </Section>
      <Section title="Graph">
        <Graph label="Pipeline" {...SMALL} height={320} />
      </Section>
      <Section title="Lineage" note={`300 nodes, around ${focus}`}>
        <Graph label="Lineage" {...LARGE} focus={focus} onOpen={setFocus} />
      </Section>
      <Section title="All of it">
        <Graph label="All lineage" {...LARGE} />
      </Section>
    </>
  );
}
