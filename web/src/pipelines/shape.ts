import type { Schema } from "../kernel/api/types";
import { short } from "../kernel/number";
import { duration } from "../kernel/time";
import type { GraphData, GraphNode } from "../ui/graph/narrow";
import { groups } from "./groups";
import { ofStep } from "./states";

type StepRun = Schema<"StepRun">;
type Edge = Schema<"ExecutionPage">["edges"][number];

export interface Shape extends GraphData {
  /** The call that a node stands for; of several, the one to look at first. */
  first: ReadonlyMap<string, string>;
  /** The node in which a call is drawn. */
  home: ReadonlyMap<string, string>;
  /** How many nodes stand below each other at most. */
  rows: number;
}

/** Up to so many calls each has a node of its own. */
const SINGLE_MAX = 40;
const WORST = ["failed", "killed", "running", "finished"];

/** The calls of an execution as a graph; when they are many, calls of a step at the same depth are one node, so that no edge leads back. */
export function shape(steps: readonly StepRun[], edges: readonly Edge[]): Shape {
  const home = new Map(steps.map(({ id }) => [id, id]));
  const depths = depthsOf(steps);
  if (steps.length > SINGLE_MAX) {
    for (const { id, name } of steps) home.set(id, `${name} ${depths.get(id)}`);
  }
  const members = groups(steps, ({ id }) => home.get(id) ?? id);
  const nodes = [...members].map(([id, calls]) => node(id, calls));
  const first = new Map([...members].map(([id, calls]) => [id, worst(calls)?.id ?? id]));
  const ways = new Map<string, readonly [string, string]>();
  for (const { before, after } of edges) {
    const [from, to] = [home.get(before), home.get(after)];
    if (from !== undefined && to !== undefined) ways.set(`${from} ${to}`, [from, to]);
  }
  const columns = groups(nodes, ({ id }) => depths.get(first.get(id) ?? id));
  const rows = Math.max(0, ...[...columns.values()].map((column) => column.length));
  return { nodes, edges: [...ways.values()], first, home, rows };
}

function node(id: string, calls: readonly StepRun[]): GraphNode {
  const call = worst(calls);
  if (!call) return { id, kind: "step", label: id };
  const { kind, word } = ofStep(call);
  const took = calls.reduce((sum, { wall_s }) => sum + (wall_s ?? 0), 0);
  const note = call.cached || call.state === "running" ? undefined : duration(took * 1000);
  const label = calls.length > 1 ? `${call.name} × ${short(calls.length)}` : call.name;
  return { id, kind: word, label, state: kind, ...(note && { note }) };
}

function worst(calls: readonly StepRun[]): StepRun | undefined {
  const rank = ({ state, cached }: StepRun) => (cached ? WORST.length : WORST.indexOf(state));
  return calls.reduce<StepRun | undefined>((seen, call) => (seen && rank(seen) <= rank(call) ? seen : call), undefined);
}

/** How many calls lie before each; a call stands after all that it needs. */
function depthsOf(steps: readonly StepRun[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const { id, needs = [] } of steps)
    depths.set(id, 1 + Math.max(-1, ...needs.map((before) => depths.get(before) ?? -1)));
  return depths;
}
