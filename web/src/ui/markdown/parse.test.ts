import { expect, test } from "vitest";
import { inline, parse } from "./parse";

test("blocks", () => {
  const kinds = parse(
    "# A\n\ntext\nmore\n\n- x\n- y\n  - z\n\n> q\n\n```py\ncode\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n---",
  ).map(({ kind }) => kind);
  expect(kinds).toEqual(["heading", "paragraph", "list", "quote", "code", "table", "rule"]);
});

test("lists hold lists", () => {
  const [list] = parse("1. a\n2. b\n   - c");
  expect(list).toMatchObject({ kind: "list", ordered: true, start: 1 });
  expect(list?.kind === "list" && list.items[1]?.map(({ kind }) => kind)).toEqual(["paragraph", "list"]);
});

test("words", () => {
  expect(inline("a **b** `c` *d* snake_case_name 2 * 3")).toEqual([
    { kind: "text", text: "a " },
    { kind: "strong", children: [{ kind: "text", text: "b" }] },
    { kind: "text", text: " " },
    { kind: "code", text: "c" },
    { kind: "text", text: " " },
    { kind: "em", children: [{ kind: "text", text: "d" }] },
    { kind: "text", text: " snake_case_name 2 * 3" },
  ]);
});

test.each([
  "[x](javascript:alert)",
  "[x](JaVaScRiPt:alert)",
  "[x](data:text/html,hi)",
  "[x](vbscript:hi)",
  "[x](//evil.example)",
  "[x](file:///etc/passwd)",
  "![x](javascript:alert)",
  "[x](\u0001javascript:alert)",
])("no link leads to %s", (text) => {
  expect(JSON.stringify(inline(text))).not.toContain('"link"');
});

test("HTML is text", () => {
  expect(parse("<script>alert(1)</script>")).toEqual([
    { kind: "paragraph", children: [{ kind: "text", text: "<script>alert(1)</script>" }] },
  ]);
});

test.each([
  ["stars", "*".repeat(50_000)],
  ["brackets", "[".repeat(50_000)],
  ["ticks", "`a ".repeat(20_000)],
  ["quotes", `${">".repeat(5_000)} x`],
  ["lists", `${"- ".repeat(5_000)}x`],
  ["underscores", "_a ".repeat(20_000)],
  ["links", "[a](".repeat(10_000)],
  ["pipes", `${"|".repeat(20_000)}\n${"|-".repeat(10_000)}|`],
])("hostile %s end in time", (_, text) => {
  const began = performance.now();
  parse(text);
  expect(performance.now() - began).toBeLessThan(1500);
});
