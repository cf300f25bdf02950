import { expect, test } from "vitest";
import type { Schema } from "../kernel/api/types";
import { shape } from "./shape";
import { stateOf, stepsInWords } from "./states";
import { timing } from "./timing";
import { apart, line, plain, varying } from "./values";

type StepRun = Schema<"StepRun">;
const START = Date.UTC(2013, 0, 1);

function call(id: string, from: number, to: number | null, more: Partial<StepRun> = {}): StepRun {
  const at = (s: number) => new Date(START + s * 1000).toISOString();
  const instants = { queued: at(from), started: at(from), ended: to === null ? null : at(to) };
  const spent = { wall_s: to === null ? null : to - from, cpu_s: null, peak_rss_mb: null, cost: null };
  const rest = { run: "", output: null, type: null, error: "", traceback: "", origin: null };
  return { id, name: id, state: "finished", cached: false, attempt: 1, ...instants, ...spent, ...rest, ...more };
}

test("where the clock stood, calls stand one after another, each as long as it took", () => {
  const steps = [call("a", 0, 0, { wall_s: 2 }), call("b", 0, 0, { wall_s: 0.5, needs: ["a"] })];
  const { rows, stood, critical } = timing(steps, START);
  expect(stood).toBe(true);
  expect(rows.map(({ started, ended }) => [Number(started) - START, Number(ended) - START])).toEqual([
    [0, 2000],
    [2000, 2500],
  ]);
  expect(critical.size).toBe(0);
});

test("what the end waited for is marked, if anything ran beside it", () => {
  const steps = [call("a", 0, 1), call("slow", 1, 5, { needs: ["a"] }), call("quick", 1, 2, { needs: ["a"] })];
  steps.push(call("end", 5, 6, { needs: ["slow", "quick"] }));
  expect([...timing(steps, START).critical].sort()).toEqual(["a", "end", "slow"]);
  const row = [call("a", 0, 1), call("b", 1, 2, { needs: ["a"] })];
  expect(timing(row, START).critical.size).toBe(0);
});

test("a call that goes on lasts up to now", () => {
  const steps = [call("a", 0, null, { state: "running" }), call("b", 0, 1)];
  const { stood, critical } = timing(steps, START + 9000);
  expect([stood, [...critical]]).toEqual([false, ["a"]]);
});

test("few calls are a node each; many of a step are one, and no edge leads back", () => {
  const few = shape([call("a", 0, 1), call("b", 1, 2, { needs: ["a"] })], [{ before: "a", after: "b" }]);
  expect([few.nodes.length, few.edges, few.rows]).toEqual([2, [["a", "b"]], 1]);
  const many = Array.from({ length: 60 }, (_, i) => call(`s${i}`, i, i + 1, { name: i % 2 ? "odd" : "even" }));
  const chain = many.map((step, i) => (i ? { ...step, needs: [`s${i - 1}`] } : step));
  const edges = chain.slice(1).map(({ id, needs = [] }) => ({ before: needs[0] ?? "", after: id }));
  const deep = shape(chain, edges);
  expect(deep.nodes).toHaveLength(60);
  const wide = shape(
    [...many.map((step) => ({ ...step, name: "square" })), call("add", 60, 61, { needs: many.map(({ id }) => id) })],
    many.map(({ id }) => ({ before: id, after: "add" })),
  );
  expect(wide.nodes.map(({ label }) => label)).toEqual(["square × 60", "add"]);
  expect(wide.edges).toHaveLength(1);
});

test("of several calls in a node, the one that failed is opened", () => {
  const steps = Array.from({ length: 50 }, (_, i) =>
    call(`s${i}`, i, i + 1, { name: "s", state: i === 33 ? "failed" : "finished" }),
  );
  const { nodes, first } = shape(steps, []);
  expect([nodes[0]?.state, first.get(nodes[0]?.id ?? "")]).toEqual(["bad", "s33"]);
});

test("parts of a key are written as a person would", () => {
  expect(plain('"flights@12"')).toBe("flights@12");
  expect(plain(`{"$table": "${"1e".repeat(32)}"}`)).toBe("table 1e1e1e1e");
  expect(plain('"2013-12-01T05:00:00+00:00"')).toBe("2013-12-01 05:00");
  expect(plain('{"rate": 0.1}')).toBe('{"rate": 0.1}');
  expect(plain("[1, 2…")).toBe("[1, 2…");
  expect(line({ n: 3, note: null, units: "hours" })).toBe("n=3  units=hours");
});

test("calls of a step are told apart by what differs, and executions too", () => {
  const setting = (rate: number) => ({ arguments: { setting: { rate, leaves: 15 }, table: { $table: "x" } } });
  const told = apart([
    { id: "1", name: "trial", ...setting(0.1) },
    { id: "2", name: "trial", ...setting(0.2) },
    { id: "3", name: "fit" },
  ]);
  expect([...told]).toEqual([
    ["1", "rate 0.1"],
    ["2", "rate 0.2"],
  ]);
  expect([
    ...varying([
      { a: 1, b: 1, c: 0 },
      { a: 1, b: 2, c: 0 },
      { a: 2, b: 3, c: 0 },
    ]),
  ]).toEqual(["b", "a"]);
});

test("states in words and from addresses", () => {
  expect(stepsInWords({ finished: 1, cached: 7 })).toBe("1 step ran, 7 reused");
  expect(stepsInWords({})).toBe("");
  expect([stateOf("failed"), stateOf("nonsense"), stateOf(undefined)]).toEqual(["failed", undefined, undefined]);
});
