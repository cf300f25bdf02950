import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const source = readFileSync(new URL("tokens.css", import.meta.url), "utf8");
const pairs = [...source.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)];
const tokens = new Map(pairs.map(([, name = "", light = "", dark = ""]) => [name, { light, dark }]));

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const value = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(name: string, on: string, theme: "light" | "dark"): number {
  const [a, b] = [name, on].map((token) => luminance(tokens.get(token)?.[theme] ?? "#000000"));
  return (Math.max(a ?? 0, b ?? 0) + 0.05) / (Math.min(a ?? 0, b ?? 0) + 0.05);
}

const THEMES = ["light", "dark"] as const;
const TEXTS = ["text", "text-2", "text-3", "accent", "ok", "warn", "bad", "info", "waiting"];
const GROUNDS = ["bg", "panel", "raised", "hover", "selected"];

test.each(THEMES)("texts stand out from every ground by 4.5 to 1, %s", (theme) => {
  for (const text of TEXTS) {
    for (const ground of GROUNDS)
      expect(contrast(text, ground, theme), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  }
  expect(contrast("on-accent", "accent", theme)).toBeGreaterThanOrEqual(4.5);
});

test.each(THEMES)("controls and series stand out by 3 to 1, %s", (theme) => {
  const marks = ["control", ...[1, 2, 3, 4, 5, 6].map((n) => `series-${n}`)];
  for (const mark of marks) expect(contrast(mark, "bg", theme), mark).toBeGreaterThanOrEqual(3);
});

test("a text on the tint of its own colour stays readable", () => {
  const mixed = (over: string, under: string, share: number) =>
    `#${[1, 3, 5]
      .map(
        (i) =>
          Number.parseInt(over.slice(i, i + 2), 16) * share + Number.parseInt(under.slice(i, i + 2), 16) * (1 - share),
      )
      .map((value) => Math.round(value).toString(16).padStart(2, "0"))
      .join("")}`;
  for (const theme of THEMES) {
    for (const kind of ["ok", "warn", "bad", "info", "waiting", "text-3"]) {
      const own = tokens.get(kind)?.[theme] ?? "";
      const tint = luminance(mixed(own, tokens.get("bg")?.[theme] ?? "", 0.1));
      const [high, low] = [luminance(own), tint].sort((a, b) => b - a) as [number, number];
      expect((high + 0.05) / (low + 0.05), `${kind} ${theme}`).toBeGreaterThanOrEqual(4.5);
    }
  }
});
