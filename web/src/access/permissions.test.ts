import { expect, test } from "vitest";
import { byNoun, coveredBy, covers, patternsOf } from "./permissions";

const ALL = ["model:approve", "model:read", "model:write", "run:read", "run:write"];

test("a star stands for any noun or any verb, and never for half a word", () => {
  expect(coveredBy(["*:read"], ALL)).toEqual(["model:read", "run:read"]);
  expect(coveredBy(["run:*", "model:approve"], ALL)).toEqual(["model:approve", "run:read", "run:write"]);
  expect([covers("mod*:read", "model:read"), covers("*", "model:read"), covers("*:*", "model:read")]).toEqual([
    false,
    false,
    true,
  ]);
});

test("permissions are told by noun, reading first", () => {
  expect([...byNoun(ALL)]).toEqual([
    ["model", ["read", "write", "approve"]],
    ["run", ["read", "write"]],
  ]);
});

test("patterns are apart by anything", () => {
  expect(patternsOf(" run:*, *:read\nmodel:write ")).toEqual(["run:*", "*:read", "model:write"]);
});
