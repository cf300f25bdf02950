import { expect, test } from "vitest";
import { slicesOf } from "./live";

test("an event concerns the slice of its noun, and what overlooks all", () => {
  expect(slicesOf("dataset.delivered")).toEqual(["data", "ledger", "app", "insights"]);
  expect(slicesOf("model.promoted")).toEqual(expect.arrayContaining(["registry", "serving"]));
  expect(slicesOf("role.granted")).toContain("access");
});
