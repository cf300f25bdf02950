import { expect, test } from "vitest";
import { pieces, plain, settled } from "./ansi";

const E = "\u001b";

test("colours and weight are read and reset", () => {
  expect(pieces(`a${E}[1;31mb${E}[0mc`)).toEqual([
    { text: "a" },
    { text: "b", colour: "bad", bold: true },
    { text: "c" },
  ]);
  expect(pieces(`${E}[2;32mx${E}[22my${E}[39mz`)).toEqual([
    { text: "x", colour: "ok", dim: true },
    { text: "y", colour: "ok" },
    { text: "z" },
  ]);
});

test("256 and true colours take their arguments with them", () => {
  expect(pieces(`${E}[38;5;31mx${E}[38;2;1;31;4;1my`)).toEqual([{ text: "x" }, { text: "y", bold: true }]);
});

test("cursor movements, titles and links of terminals disappear", () => {
  expect(plain(`${E}[2K${E}[10;3Ha${E}]0;title\u0007b${E}]8;;https://x.example${E}\\c${E}`)).toBe("abc");
});

test("markup is text", () => {
  expect(pieces("<img src=x onerror=alert(1)>")).toEqual([{ text: "<img src=x onerror=alert(1)>" }]);
});

test("a progress bar leaves its last state", () => {
  expect(settled("10 %\r50 %\r100 %\r")).toBe("100 %");
});

test("a hostile line is read in time", () => {
  const began = performance.now();
  pieces(`${E}[${"1;".repeat(100_000)}x${`${E}]`.repeat(20_000)}`);
  expect(performance.now() - began).toBeLessThan(1000);
});
