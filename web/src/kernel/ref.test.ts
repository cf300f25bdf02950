import { expect, test } from "vitest";
import { format, href, parse } from "./ref";

test.each([
  ["model:late@7", { kind: "model", name: "late", at: "7" }],
  ["endpoint:late", { kind: "endpoint", name: "late" }],
  ["dataset:a/b.c@champion", { kind: "dataset", name: "a/b.c", at: "champion" }],
])("%s is read and written alike", (text, ref) => {
  expect(parse(text)).toEqual(ref);
  expect(format(ref)).toBe(text);
});

test.each(["late@7", "Model:late", "model:", "model:late@", "model:a b"])("%s is no Ref", (text) => {
  expect(parse(text)).toBeUndefined();
});

test.each([
  ["model:late@7", "/default/models/late/versions/7"],
  ["dataset:flights@4", "/default/data/flights?version=4"],
  ["person:ana", "/default/access?actor=person%3Aana"],
  ["source:flights.csv@abc", "/default/lineage/source%3Aflights.csv%40abc"],
])("%s has its page at %s", (ref, address) => {
  expect(href("default", ref)).toBe(address);
});
