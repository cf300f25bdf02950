import { expect, test } from "vitest";
import { changed, split } from "./difference";

const difference = { a: 1, b: 2, added: 0, removed: 0, changed: null, schema: [] } as unknown as Parameters<
  typeof changed
>[0];

test("a difference in one sentence", () => {
  expect(changed(difference)).toBe(
    "No row was added, removed or changed between version 1 and 2; the columns are the same.",
  );
  expect(
    changed({ ...difference, added: 28135, changed: 2, schema: [{ column: "x", before: null, after: "int64" }] }),
  ).toBe("28\u202f135 rows added, 2 rows changed between version 1 and 2; 1 column is not as before.");
});

test("the rest of many values is no bar among theirs", () => {
  const bin = (label: string, low: number | null = null) => ({ label, low, high: low, before: 0.5, after: 0.5 });
  expect(split([bin("UA"), bin("14 others")])).toMatchObject({
    shown: [{ label: "UA" }],
    others: { label: "14 others" },
  });
  expect(split([bin("UA"), bin("AA")]).others).toBeUndefined();
  expect(split([bin("1", 1), bin("2", 2)]).shown).toHaveLength(2);
});
