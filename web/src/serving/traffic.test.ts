import { expect, test } from "vitest";
import type { Schema } from "../kernel/api/types";
import { latencyLines, perBin, requestLines, times } from "./traffic";

const answered = (version: string, requests: number, batch = 0) => ({
  version,
  requests,
  batch,
  errors: 0,
  latency_p50_ms: null,
  latency_p95_ms: requests > batch ? 2 : null,
  latency_p99_ms: null,
});
const traffic: Schema<"Traffic"> = {
  endpoint: "late",
  since: "2013-08-12T01:30:00Z",
  until: "2013-08-12T06:00:00Z",
  bin_s: 3600,
  versions: [answered("model:late@5", 9), answered("model:late@6", 2)],
  bins: [
    { start: "2013-08-12T02:00:00Z", answered: answered("model:late@5", 4, 1) },
    { start: "2013-08-12T04:00:00Z", answered: answered("model:late@5", 5, 5) },
    { start: "2013-08-12T05:00:00Z", answered: answered("model:late@6", 2) },
  ],
};

test("every bin of the window has its place, also those without a request", () => {
  expect(times(traffic).map((at) => new Date(at).getUTCHours())).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a version counts zero while it is silent, and is not there before it came and after it went", () => {
  const [five, six] = requestLines(traffic, "all");
  expect(five?.y).toEqual([0, 4, 0, 5, 0, null]);
  expect(six?.y).toEqual([null, null, null, null, 2, 0].map((y, i) => (i === 3 ? 0 : y)));
  expect(requestLines(traffic, "single")[0]?.y).toEqual([0, 3, 0, 0, 0, null]);
  expect(requestLines(traffic, "batch").map(({ name }) => name)).toEqual(["late@5"]);
});

test("latency has gaps where nothing was asked one by one", () => {
  expect(latencyLines(traffic, "p95").map(({ y }) => y)).toEqual([
    [null, 2, null, null, null, null],
    [null, null, null, null, 2, null],
  ]);
});

test.each([
  [1, "per second"],
  [300, "per 5 minutes"],
  [3600, "per hour"],
  [10_800, "per 3 hours"],
  [604_800, "per 7 days"],
])("a bin of %d s is %s", (bin, words) => expect(perBin(bin)).toBe(words));
