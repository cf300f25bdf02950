import { expect, test } from "vitest";
import { calendar } from "./time-line";

const at = (text: string) => Date.parse(`${text}T00:00:00Z`);

test("a year is parted by as fine a step as has room", () => {
  const texts = (most: number) => calendar(at("2013-01-01"), at("2014-01-02"), most).map(({ text }) => text);
  expect(texts(14)).toEqual("2013 Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec 2014".split(" "));
  expect(texts(5)).toEqual(["2013", "Apr", "Jul", "Oct", "2014"]);
  expect(texts(1)).toEqual(["2013"]);
});

test("days and many years have steps, too", () => {
  expect(calendar(at("2013-05-03"), at("2013-05-06"), 4).map(({ text }) => text)).toEqual([
    "3 May",
    "4 May",
    "5 May",
    "6 May",
  ]);
  expect(calendar(at("1990-06-01"), at("2013-01-01"), 6)).toHaveLength(5);
});
