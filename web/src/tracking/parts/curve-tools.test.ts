import { expect, test } from "vitest";
import { matching, naturally, smoothed, weightOf } from "./curve-tools";

test("metrics are found by all words of the filter, and stand in the order in which people count", () => {
  const keys = ["layer_10/grad", "Layer_2/grad", "layer_2/loss", "auc"].sort(naturally);
  expect(keys).toEqual(["auc", "Layer_2/grad", "layer_2/loss", "layer_10/grad"]);
  expect(matching(keys, " layer  GRAD", (key) => key)).toEqual(["Layer_2/grad", "layer_10/grad"]);
  expect(matching(keys, "", (key) => key)).toBe(keys);
});

test("a smoothed line keeps what was measured as its edges; an address asks for no more than there is", async () => {
  const points = { x: [0, 1], lo: [0, 4], hi: [0, 4], mean: [0, 4] };
  const line = { name: "loss", fetchRange: () => Promise.resolve(points) };
  expect(smoothed(line, 0)).toBe(line);
  const smooth = smoothed(line, 0.5);
  expect(smooth.edges).toBe(true);
  const found = await smooth.fetchRange(0, 1, 2, new AbortController().signal);
  expect(found.lo).toEqual([0, 4]);
  expect(found.mean[1]).toBeCloseTo(8 / 3);
  expect(weightOf({ find: "", smooth: 7, scale: "log" })).toBe(0.99);
});
