import { expect, test } from "vitest";
import type { News } from "./queries";
import { called, sentence } from "./sentences";

function told(verb: string, subject: string, event: Partial<News["event"]> = {}, times = 1): string {
  const news = {
    event: {
      id: "1",
      at: "2013-05-03T00:00:00Z",
      project: "default",
      actor: "person:ana",
      verb,
      subject,
      data: {},
      ...event,
    },
    times,
    since: "2013-05-03T00:00:00Z",
  } as News;
  return sentence(news)
    .pieces.map((piece) => (typeof piece === "string" ? piece : (piece.text ?? called(piece.ref))))
    .join("");
}

test.each([
  ["model.promoted", "model:late@7", { data: { alias: "champion" } }, "ana promoted late@7 to champion"],
  ["model.commented", "model:late@7", { data: { text: "fine" } }, "ana commented on late@7"],
  [
    "dataset.quarantined",
    "dataset:flights",
    { data: { key: "2013-02", failed: { "unique(id)": 80 } } },
    "ana delivered 2013-02 of dataset flights, which was quarantined: unique(id)",
  ],
  [
    "rollout.rolled_back",
    "endpoint:late",
    { data: { candidate: "model:late@6" } },
    "ana rolled late@6 back on endpoint late",
  ],
  ["pipeline.registered", "pipeline:nightly", {}, "ana registered pipeline nightly"],
  ["issue.reported", "issue:iss-01M80GD6", { data: { name: "too slow" } }, "ana reported issue too slow"],
])("%s is told as one would", (verb, subject, event, said) => expect(told(verb, subject, event)).toBe(said));

test("what is alike is one sentence", () => {
  expect(told("finding.raised", "finding:f1", { inputs: ["window:w1"] }, 16)).toBe(
    "ana raised 16 findings in a window",
  );
  expect(told("finding.raised", "finding:f1", { inputs: ["window:w1"] })).toBe("ana raised a finding in a window");
});

test("what was said, and whether it is good or bad", () => {
  const event = {
    actor: "service:loop",
    verb: "alert.raised",
    subject: "endpoint:late",
    data: { text: "the first\nthe second" },
  };
  const found = sentence({ event, times: 2, since: "" } as unknown as News);
  expect([found.said, found.kind, found.again]).toEqual(["the first", "bad", 2]);
});
