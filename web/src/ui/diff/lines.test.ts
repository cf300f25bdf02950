import { expect, test } from "vitest";
import { diffLines, hunks } from "./lines";

const told = (a: string, b: string) =>
  diffLines(a, b).map(({ kind, text }) => `${{ same: " ", added: "+", removed: "-" }[kind]}${text}`);

test("the shortest way from one text to the other", () => {
  expect(told("a\nb\nc\nd", "a\nc\nx\nd")).toEqual([" a", "-b", " c", "+x", " d"]);
  expect(told("a", "a")).toEqual([" a"]);
  expect(told("a\nb", "c\nd")).toEqual(["-a", "-b", "+c", "+d"]);
});

test("both texts can be read back from it", () => {
  const a = Array.from({ length: 200 }, (_, i) => `${(i * 7) % 31}`).join("\n");
  const b = Array.from({ length: 220 }, (_, i) => `${(i * 5) % 29}`).join("\n");
  const lines = diffLines(a, b);
  expect(
    lines
      .filter(({ kind }) => kind !== "added")
      .map(({ text }) => text)
      .join("\n"),
  ).toBe(a);
  expect(
    lines
      .filter(({ kind }) => kind !== "removed")
      .map(({ text }) => text)
      .join("\n"),
  ).toBe(b);
});

test("numbers count in their own text", () => {
  expect(diffLines("a\nb", "b")).toEqual([
    { kind: "removed", text: "a", a: 1 },
    { kind: "same", text: "b", a: 2, b: 1 },
  ]);
});

test("what is far from any change is folded", () => {
  const a = Array.from({ length: 30 }, (_, i) => `${i}`);
  const parts = hunks(diffLines(a.join("\n"), a.with(15, "x").join("\n")), 2);
  expect(parts.map((part) => (Array.isArray(part) ? part.length : -part.folded))).toEqual([-13, 6, -12]);
});
