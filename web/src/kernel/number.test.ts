import { expect, test } from "vitest";
import { bytes, change, full, interval, percent, short, significant } from "./number";

const plain = (text: string) => text.replaceAll("\u202f", " ");

test.each([
  [0, "0"],
  [7, "7"],
  [9999, "9999"],
  [27_004, "27.0 k"],
  [999_999, "1.00 M"],
  [1_234_567, "1.23 M"],
  [0.012345, "0.0123"],
  [12.5, "12.5"],
  [-1234.5, "−1.23 k"],
  [1e-7, "1.00e−7"],
  [Number.NaN, "NaN"],
  [Number.NEGATIVE_INFINITY, "−∞"],
])("%d is shown as %s", (value, text) => expect(plain(short(value))).toBe(text));

test("the exact value keeps all digits", () => {
  expect(plain(full(1234567.125))).toBe("1 234 567.125");
  expect(plain(full(-1000))).toBe("−1 000");
});

test("shares", () => {
  expect(plain(percent(0.1234))).toBe("12.3 %");
  expect(plain(percent(0.00012))).toBe("0.012 %");
  expect(plain(percent(0))).toBe("0.0 %");
});

test("an interval has the digits that tell its ends apart", () => {
  expect(interval(0.70123, 0.73456)).toBe("[0.701, 0.735]");
  expect(interval(-12.3, 45.6)).toBe("[−12, 46]");
  expect(interval(0.5, 0.5)).toBe("[0.500, 0.500]");
});

test("changes, sizes and significant digits", () => {
  expect(change(0.012)).toBe("+0.0120");
  expect(change(-3)).toBe("−3");
  expect(plain(bytes(0))).toBe("0 B");
  expect(plain(bytes(1536))).toBe("1.50 KiB");
  expect(significant(0.00099951, 3)).toBe("0.00100");
});
