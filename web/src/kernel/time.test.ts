import { expect, test } from "vitest";
import { ago, date, duration, exact } from "./time";

const NOW = Date.parse("2013-09-02T04:00:00Z");

test.each([
  ["2013-09-02T03:59:40Z", "just now"],
  ["2013-09-02T03:55:00Z", "5 min ago"],
  ["2013-09-02T03:00:00Z", "1 h ago"],
  ["2013-09-02T07:00:00Z", "in 3 h"],
  ["2013-08-29T04:00:00Z", "4 d ago"],
  ["2013-05-03T00:00:00Z", "2013-05-03"],
])("%s was %s", (at, text) => expect(ago(at, NOW)).toBe(text));

test.each([
  [0.42, "0.42 ms"],
  [850, "850 ms"],
  [999.7, "1.0 s"],
  [4200, "4.2 s"],
  [59_970, "1 min"],
  [200_000, "3 min 20 s"],
  [7_500_000, "2 h 5 min"],
  [532_800_000, "6 d 4 h"],
  [-90_000, "−1 min 30 s"],
])("%d ms are %s", (ms, text) => expect(duration(ms)).toBe(text));

test("exact instants are in UTC", () => {
  expect(exact("2013-09-02T00:00:00-04:00")).toBe("2013-09-02 04:00:00 UTC");
  expect(date("2013-09-02T23:30:00-04:00")).toBe("2013-09-03");
  expect(date("never")).toBe("no instant");
});
