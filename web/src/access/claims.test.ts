import { expect, test } from "vitest";
import { claimsOf, claimsText } from "./claims";

test("claims read as they were written, a line each", () => {
  const claims = { repository_id: "4711", sub: "repo:a/b:ref=x" };
  expect(claimsOf(claimsText(claims))).toEqual(claims);
  expect(claimsOf(" ref =  refs/heads/main \n\n")).toEqual({ ref: "refs/heads/main" });
});
