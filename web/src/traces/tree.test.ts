import { expect, test } from "vitest";
import { reach, tree } from "./tree";
import { condition, dollars, gist, type Span } from "./words";

function span(id: string, parent: string | null, offset_ms: number, duration_ms: number | null = 1): Span {
  return { id, parent, offset_ms, duration_ms } as Span;
}

test("spans stand below their parents, in the order in which they began", () => {
  const found = tree([span("c", "a", 2), span("b", "a", 1), span("d", "b", 1.5), span("a", null, 0)]);
  expect(found.map(({ span: { id }, depth }) => `${id}${depth}`)).toEqual(["a0", "b1", "d2", "c1"]);
});

test("who lost its parent is a root, and a ring of parents is shown as well", () => {
  const found = tree([span("a", "gone", 0), span("b", "c", 1), span("c", "b", 2)]);
  expect(found.map(({ span: { id } }) => id).sort()).toEqual(["a", "b", "c"]);
});

test("a waterfall reaches from the first beginning to the last end", () => {
  expect(reach([span("a", null, 0, 5), span("b", "a", -2, null), span("c", "a", 4, 3)])).toEqual({ from: -2, to: 7 });
  expect(reach([span("a", null, 0, 0)])).toEqual({ from: 0, to: 1 });
});

test("money has the digits that it needs", () => {
  expect([dollars(12.345), dollars(0), dollars(0.00123)]).toEqual(["$12.35", "$0.00", "$0.00123"]);
});

test("what has an operator is a condition, and all else is looked for", () => {
  expect(condition(" cost > 1 ")).toEqual(["cost > 1"]);
  expect(condition('say "hi"')).toEqual(['text ~ "say ""hi""" or span.content ~ "say ""hi"""']);
  expect(condition(" ")).toEqual([]);
});

test("of a request with one entry that entry is shown", () => {
  expect(gist('{"question":"Why \\"late\\"?"}')).toBe('Why "late"?');
  expect(gist('{"a":"x","b":1}')).toBe('{"a":"x","b":1}');
  expect(gist("plain")).toBe("plain");
});
