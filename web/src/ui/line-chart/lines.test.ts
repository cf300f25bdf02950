import { expect, test } from "vitest";
import { join, nearest, summary, toCsv } from "./lines";

const train = { name: "train", x: [0, 1, 2], y: [3, null, 1] };
const valid = { name: "valid", x: [1, 3], y: [5, Number.NaN], lo: [4, 4], hi: [6, 6] };

test("lines over different x share one, and gaps stay gaps", () => {
  const { x, lines } = join([train, valid]);
  expect(x).toEqual([0, 1, 2, 3]);
  expect(lines[0]?.y).toEqual([3, null, 1, undefined]);
  expect(lines[1]?.y).toEqual([undefined, 5, undefined, null]);
});

test("the nearest point skips gaps", () => {
  expect(nearest([1, null, undefined, 4], 1)).toBe(0);
  expect(nearest([null, null, undefined, 4], 0)).toBe(3);
  expect(nearest([null, undefined], 0)).toBeNull();
});

test("the summary says what the picture shows", () => {
  expect(summary([train, valid], join([train, valid]))).toEqual([
    { name: "train", points: 2, least: 1, greatest: 3, last: 1 },
    { name: "valid", points: 1, least: 5, greatest: 5, last: 5 },
  ]);
});

test("CSV holds all columns and runs no formula", () => {
  const lines = [{ ...valid, name: '=HYPERLINK("x")' }];
  expect(toCsv("step", lines, join(lines))).toBe(
    `step,"'=HYPERLINK(""x"")","'=HYPERLINK(""x"") low","'=HYPERLINK(""x"") high"\r\n1,5,4,6\r\n3,,4,6\r\n`,
  );
});
