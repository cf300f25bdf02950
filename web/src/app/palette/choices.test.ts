import { expect, test } from "vitest";
import { grouped, matching } from "./choices";

const labels = (wanted: string) =>
  matching(
    wanted,
    ["Home", "Data", "Monitors", "Approve late@7", "Ledger"].map((label) => ({ label })),
  ).map(({ label }) => label);

test("words match beginnings of words, in any order", () => {
  expect(labels("late app")).toEqual(["Approve late@7"]);
  expect(labels("mon")[0]).toBe("Monitors");
});

test("letters in order match when no word does", () => {
  expect(labels("ldg")).toEqual(["Ledger"]);
  expect(labels("zzz")).toEqual([]);
});

test("nothing typed finds everything", () => expect(labels(" ")).toHaveLength(5));

test("things stand by their kind, the kind of the best first, few of each", () => {
  const thing = (kind: string, label: string) => ({ key: label, kind, label, to: `/default/${label}` });
  const many = Array.from({ length: 9 }, (_, i) => thing("run", `late-${i}`));
  const groups = grouped([thing("model", "late"), ...many, thing("model", "latest"), thing("person", "lars")]);
  expect(groups.map(({ head, choices }) => [head, choices.length])).toEqual([
    ["Models", 2],
    ["Runs", 5],
    ["People", 1],
  ]);
});
