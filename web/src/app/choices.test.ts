import { expect, test } from "vitest";
import { matching } from "./choices";

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
