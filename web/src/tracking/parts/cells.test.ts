import { expect, test } from "vitest";
import { leading, standing, toNumber } from "./cells";

const row = (id: string, auc: number, half?: number) => ({
  id,
  cells: {
    "metrics.auc": auc,
    ...(half !== undefined && { "metrics.auc_low": auc - half, "metrics.auc_high": auc + half }),
  },
});

test("the best is the first of the order, and near are those whose intervals reach into its own", () => {
  const found = standing([row("a", 0.9, 0.02), row("b", 0.87, 0.02), row("c", 0.8, 0.02)], "-metrics.auc");
  expect(found).toEqual({ metric: "auc", best: "a", near: new Set(["b"]) });
});

test("without intervals nobody is near, and an order by time has no best", () => {
  expect(standing([row("a", 0.9), row("b", 0.9)], "-metrics.auc")?.near.size).toBe(0);
  expect(standing([row("a", 0.9)], "-started_at")).toBeUndefined();
  expect(standing([], "metrics.loss")).toBeUndefined();
});

test("ends of intervals are no columns of their own", () => {
  expect(leading(["auc", "auc_high", "auc_low", "tide_low"])).toEqual(["auc", "tide_low"]);
});

test("what is not finite travels as a word", () => {
  expect([toNumber("nan"), toNumber("-inf"), toNumber(2), toNumber("x"), toNumber(undefined)]).toEqual([
    Number.NaN,
    -Infinity,
    2,
    undefined,
    undefined,
  ]);
});
