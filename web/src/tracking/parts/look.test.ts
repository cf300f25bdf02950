import { describe, expect, test } from "vitest";
import { kept, type Look, lookOf, shows } from "./look";

const look: Look = { experiment: "", filter: "", sort: "-started_at", level: "auto", columns: [] };
const view = { id: "1", name: "mine", owner: "person:ana", saved_at: "2013-01-01T00:00:00Z" };

describe("a view of the runs", () => {
  test("shows what was kept", () => {
    for (const one of [
      look,
      { ...look, experiment: "sweep", filter: "metrics.auc > 0.7 or params.depth = 3", sort: "-metrics.auc" },
      { ...look, filter: "baseline", level: "all" as const, columns: ["metrics.auc", "params.depth"] },
      { ...look, experiment: "sweep", level: "whole" as const },
    ]) {
      expect(shows(one, { ...view, ...kept(one) })).toBe(true);
      expect(kept(lookOf(kept(one)))).toEqual(kept(one));
    }
  });

  test("is another when the filter, the order, the columns or the experiment differ", () => {
    const saved = { ...view, ...kept({ ...look, experiment: "sweep", filter: "metrics.auc > 0.7" }) };
    const same = lookOf(saved);
    for (const change of [{ filter: "" }, { sort: "name" }, { columns: ["tags.x"] }, { experiment: "" }])
      expect(shows({ ...same, ...change }, saved)).toBe(false);
  });

  test("of several conditions holds them all, each as it stands", () => {
    const several = { experiment: null, where: ["a = 1 or b = 2", "c = 3"], order_by: "name", columns: [] };
    expect(lookOf(several).filter).toBe("(a = 1 or b = 2) and (c = 3)");
  });
});
