import { expect, test } from "vitest";
import { filtersOf, INBOX, type InboxState } from "./filters";
import { grouped } from "./groups";
import { proposed } from "./proposed";
import type { Finding, HeatMap, MonitorState, WindowMark } from "./queries";
import { firstCell, verdict } from "./verdict";

function finding(
  id: string,
  window: string,
  severity: Finding["severity"],
  kind: "drift" | "performance",
  effect: number,
) {
  return { id, window, severity, measurement: { kind, effect, tolerance: 0.1 } } as Finding;
}

test("findings stand under their windows, the heaviest first", () => {
  const groups = grouped([
    finding("a", "new", "warning", "drift", 0.9),
    finding("b", "new", "critical", "drift", 0.3),
    finding("c", "old", "critical", "drift", 0.2),
    finding("d", "new", "critical", "drift", 0.5),
    finding("e", "new", "critical", "performance", 0.11),
  ]);
  expect(groups.map(({ window, findings }) => [window, findings.map(({ id }) => id).join("")])).toEqual([
    ["new", "edba"],
    ["old", "c"],
  ]);
});

test("the address asks for what it says and no more", () => {
  const nothing = Object.fromEntries(
    Object.entries(INBOX).map(([name, field]) => [name, field.read([])]),
  ) as InboxState;
  expect(filtersOf(nothing)).toEqual({ state: "open" });
  expect(filtersOf({ ...nothing, state: "all", severity: "critical", endpoint: "late" })).toEqual({
    severity: "critical",
    endpoint: "late",
  });
});

test("the next window follows the last one and ends by now", () => {
  const last = { key: "2013-12", start: "2013-12-01T05:00:00Z", end: "2014-01-01T05:00:00Z" } as WindowMark;
  const at = (now: string) => proposed(last, Date.parse(now));
  expect(at("2014-03-01T00:00:00Z")).toEqual({ start: "2014-01-01T05:00", end: "2014-02-01T05:00", key: "" });
  expect(at("2014-01-02T05:00:00Z").end).toBe("2014-01-02T05:00");
  expect(at("2013-12-20T00:00:00Z")).toEqual({
    start: "2013-12-01T05:00",
    end: "2014-01-01T05:00",
    key: "2013-12 again",
  });
  expect(proposed(null, Date.parse("2014-01-02T05:00:00Z")).start).toBe("2014-01-01T05:00");
});

type Kinds = MonitorState["kinds"];
const drift = { kind: "drift", tests: 23, alarms: 2, worst: { kind: "drift", test: "ks", feature: "temp" } };
const loss = { kind: "performance", test: "brier", feature: "label", expected: 0.1, observed: 0.2 };

test("the verdict says what drifted and whether it matters", () => {
  const kinds = (...given: object[]) => given as Kinds;
  expect(verdict(kinds(drift, { kind: "performance", tests: 2, alarms: 1, worst: loss }))).toBe(
    "2 of 23 features drifted, most of all temp, and predictions are worse: the Brier score rose from 0.100 to 0.200.",
  );
  expect(verdict(kinds(drift, { kind: "performance", tests: 2, alarms: 0, worst: loss }))).toContain(
    "not measurably worse",
  );
  expect(verdict(kinds({ ...drift, alarms: 0 }))).toBe(
    "Nothing drifted beyond its tolerance; whether predictions are still as good cannot be said: there are too few labels.",
  );
});

test("the map begins at the worst of the newest window that has something", () => {
  const line = (tolerance: number, ...effects: (number | null)[]) => ({
    tolerance,
    cells: effects.map((effect) => ({ effect })),
  });
  const heat = { windows: [{}, {}, {}], lines: [line(0.1, 0.9, 0.2, null), line(0.01, 0, 0.1, null)] };
  expect(firstCell(heat as unknown as HeatMap)).toEqual([1, 1]);
  const alarm = { tolerance: 0.1, cells: [{ effect: 0.15, alarm: true }] };
  expect(firstCell({ windows: [{}], lines: [line(0.1, 0.9), alarm] } as unknown as HeatMap)).toEqual([1, 0]);
  expect(firstCell({ windows: [], lines: [] } as unknown as HeatMap)).toBeUndefined();
});
