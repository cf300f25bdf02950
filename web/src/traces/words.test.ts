import { expect, test } from "vitest";
import { ApiError } from "../kernel/api/errors";
import { answerFrom, answerInWords, kindOf, objectOf } from "./words";

const form = (fields: Record<string, string>) => (name: string) => fields[name] ?? "";

test.each([
  ["pass_fail", { answer: "yes\n no \n\n" }, "yes / no"],
  ["several", { answer: "curt\nplain" }, "several of: curt, plain"],
  ["number", { least: "1", most: "5" }, "1 to 5"],
  ["number", { least: "0" }, "a number from 0"],
  ["text", {}, "text"],
  ["text", { signs_max: "200" }, "text of up to 200 characters"],
] as const)("an answer of the kind %s is read from its fields and told in words", (kind, fields, words) => {
  const answer = answerFrom(kind, form(fields));
  expect(answerInWords(answer)).toBe(words);
  expect(kindOf(answer)).toBe(kind);
});

test("an example is typed as JSON or as text, and what is broken is refused at its field", () => {
  expect(objectOf('{"question": "why?"}', "inputs")).toEqual({ question: "why?" });
  expect(objectOf("why?", "inputs")).toEqual({ input: "why?" });
  expect(objectOf("the crew", "expectations")).toEqual({ expected_response: "the crew" });
  expect(objectOf("", "expectations")).toEqual({});
  const refused = (() => {
    try {
      return objectOf('{"question": ', "inputs");
    } catch (error) {
      return error;
    }
  })();
  expect(refused).toBeInstanceOf(ApiError);
  expect((refused as ApiError).field).toBe("inputs");
});
