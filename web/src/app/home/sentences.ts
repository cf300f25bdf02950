import { count, short } from "../../kernel/number";
import { parse } from "../../kernel/ref";
import { shortId } from "../../ui/id";
import type { News } from "./queries";

type Event = News["event"];
/** A sentence in pieces: words, and things that have a page. */
export type Piece = string | { ref: string; text?: string };

export interface Sentence {
  pieces: readonly Piece[];
  /** How often it happened in a row, where the sentence does not say so. */
  again: number;
  /** What was said about it: a reason, a comment. */
  said: string;
  kind: "ok" | "bad" | "info" | undefined;
}

interface Told {
  event: Event;
  times: number;
  data: Readonly<Record<string, unknown>>;
  /** A value of the event as words; "" where it has none. */
  word: (name: string) => string;
}

type Phrase = (told: Told) => readonly Piece[];

const thing: Phrase = ({ event }) => [{ ref: event.subject }];
const made = (event: Event, kind: string, text?: string): Piece => {
  const found = event.outputs?.find((ref) => ref.startsWith(`${kind}:`)) ?? event.subject;
  return text === undefined ? { ref: found } : { ref: found, text };
};
const used = (event: Event, kind: string, text?: string): readonly Piece[] => {
  const found = event.inputs?.find((ref) => ref.startsWith(`${kind}:`));
  return found ? [text === undefined ? { ref: found } : { ref: found, text }] : [];
};
const nameOf = ({ subject }: Event) => subject.replace(/^\w+:/, "");
const refOf = (text: string): readonly Piece[] => (parse(text) ? [{ ref: text }] : text ? [text] : []);

/** What comes after the name of the actor, by verb. */
const PHRASES: Readonly<Record<string, Phrase>> = {
  "dataset.created": (told) => ["created ", ...thing(told)],
  "dataset.delivered": ({ event, data, word }) => [
    "delivered ",
    made(event, "dataset"),
    `: ${word("key")}, ${count(Number(data.rows ?? 0), "row")}`,
  ],
  "dataset.quarantined": ({ event, data, word }) => [
    `delivered ${word("key")} of `,
    { ref: event.subject },
    `, which was quarantined: ${Object.keys((data.failed as object | undefined) ?? {}).join(", ")}`,
  ],
  "dataset.tagged": (told) => ["tagged ", ...thing(told)],
  "ledger.subscribed": ({ event }) => [`created the subscription ${nameOf(event)}`],
  "ledger.unsubscribed": ({ event }) => [`ended the subscription ${nameOf(event)}`],
  "ledger.tested": ({ event }) => [`tested the subscription ${nameOf(event)}`],
  "ledger.paused": ({ event }) => [`paused the subscription ${nameOf(event)}`],
  "ledger.resumed": ({ event }) => [`resumed the subscription ${nameOf(event)}`],
  "feature.defined": (told) => ["defined the features ", ...thing(told)],
  "feature.materialized": ({ event, times }) =>
    times > 1 ? [`computed ${times} views of features anew`] : ["computed ", { ref: event.subject }, " anew"],
  "run.finished": ({ event, times, word }) =>
    times > 1
      ? [`finished ${times} runs of ${word("experiment")}`]
      : ["finished run ", { ref: event.subject, text: word("name") || shortId(nameOf(event)) }],
  "run.failed": ({ event, word }) => ["ran ", { ref: event.subject, text: word("name") || "a run" }, ", which failed"],
  "execution.finished": ({ event, word }) => ["ran ", { ref: event.subject, text: word("pipeline") }],
  "execution.failed": ({ event, word }) => ["ran ", { ref: event.subject, text: word("pipeline") }, ", which failed"],
  "evaluation.recorded": ({ event, times }) =>
    times > 1 ? [`evaluated ${times} models on the same data`] : ["evaluated ", { ref: event.subject }],
  "model.created": (told) => ["created ", ...thing(told)],
  "model.registered": (told) => ["registered ", ...thing(told)],
  "model.checked": ({ event, data }) => [
    "checked ",
    { ref: event.subject },
    data.passed ? ": every gate passes" : ": a gate says no",
  ],
  "model.approved": ({ event, word }) => [
    "approved ",
    { ref: event.subject },
    ...(word("by").startsWith("policy:") ? [" by a policy of ", ...refOf(word("responsible"))] : []),
  ],
  "model.rejected": (told) => ["rejected ", ...thing(told)],
  "model.promoted": ({ event, word }) => ["promoted ", { ref: event.subject }, ` to ${word("alias")}`],
  "model.rolled_back": ({ event, word }) => ["took ", { ref: event.subject }, ` back as ${word("alias")}`],
  "model.explained": ({ event, word }) => [
    "explained ",
    { ref: event.subject },
    word("scope") === "local" ? " for one answer" : "",
  ],
  "endpoint.deployed": ({ event }) => ["deployed ", ...used(event, "model"), " to ", { ref: event.subject }],
  "endpoint.rolled_back": ({ event, word }) => ["took ", ...refOf(word("from")), " back from ", { ref: event.subject }],
  "endpoint.labelled": ({ event, data }) => [
    `added ${count(Number(data.labels ?? 0), "label")} to `,
    { ref: event.subject },
  ],
  "rollout.started": ({ event }) => ["started a rollout of ", ...used(event, "model"), " on ", { ref: event.subject }],
  "rollout.advanced": ({ event, data, word }) => [
    "gave ",
    ...refOf(word("candidate")),
    ` ${short(100 * Number(data.weight ?? 0))} % of `,
    { ref: event.subject },
  ],
  "rollout.promoted": ({ event, word }) => ["rolled ", ...refOf(word("candidate")), " out on ", { ref: event.subject }],
  "rollout.rolled_back": ({ event, word }) => [
    "rolled ",
    ...refOf(word("candidate")),
    " back on ",
    { ref: event.subject },
  ],
  "rollout.paused": ({ event, word }) => [
    "paused the rollout of ",
    ...refOf(word("candidate")),
    " on ",
    { ref: event.subject },
  ],
  "rollout.resumed": ({ event, word }) => [
    "resumed the rollout of ",
    ...refOf(word("candidate")),
    " on ",
    { ref: event.subject },
  ],
  "monitor.created": (told) => ["created ", ...thing(told)],
  "monitor.measured": ({ event, data }) => [
    "measured ",
    made(event, "window", "a window"),
    `: ${count(Number(data.rows ?? 0), "row")}, ${count(Number(data.findings ?? 0), "finding")}`,
  ],
  "monitor.rebased": ({ event }) => ["gave ", { ref: event.subject }, " a new reference"],
  "monitor.silenced": ({ event, word }) => [
    "silenced ",
    word("feature") || "everything",
    " of ",
    { ref: event.subject },
  ],
  "monitor.silence_ended": ({ event, word }) => [
    "ended the silence of ",
    word("feature") || "everything",
    " of ",
    { ref: event.subject },
  ],
  "monitor.reacted": ({ event, word }) => [
    "reacted to ",
    ...used(event, "window", "a window"),
    ` by ${word("reaction") || "itself"}`,
  ],
  "finding.raised": ({ event, times }) =>
    times > 1
      ? [`raised ${times} findings in `, ...used(event, "window", "a window")]
      : ["raised ", { ref: event.subject, text: "a finding" }, " in ", ...used(event, "window", "a window")],
  "finding.acknowledged": (told) => ["acknowledged ", { ref: told.event.subject, text: "a finding" }],
  "actor.created": ({ event }) => ["created ", { ref: event.subject }],
  "role.granted": ({ event, word }) => [`granted the role ${word("role")} to `, { ref: event.subject }],
  "role.revoked": ({ event, word }) => [`revoked the role ${word("role")} of `, { ref: event.subject }],
  "alert.raised": ({ event, word }) => [`raised a ${word("severity")} `, made(event, "alert", "alert")],
  "alert.acknowledged": (told) => ["acknowledged ", { ref: told.event.subject, text: "an alert" }],
};

const SAID = ["reason", "text", "sentence", "note", "error", "problem"];
const BAD = /\.(quarantined|failed|rejected|rolled_back|raised|refused|denied|aborted)$/;
const GOOD = /\.(approved|promoted)$/;

/** "ana promoted late@7 to champion": an event as one would tell it. */
export function sentence({ event, times }: News): Sentence {
  const data = (event.data ?? {}) as Readonly<Record<string, unknown>>;
  const word = (name: string) => (typeof data[name] === "string" ? (data[name] as string) : "");
  const phrase = PHRASES[event.verb] ?? general;
  const failed = event.verb === "model.checked" && data.passed === false;
  return {
    pieces: [{ ref: event.actor }, " ", ...phrase({ event, times, data, word })],
    again: times > 1 && !TOGETHER.has(event.verb) ? times : 1,
    said:
      SAID.map(word)
        .find((text) => text.trim() !== "")
        ?.trim()
        .split("\n", 1)[0] ?? "",
    kind: failed || BAD.test(event.verb) ? "bad" : GOOD.test(event.verb) ? "ok" : undefined,
  };
}

/** Of these the phrase itself says how many. */
const TOGETHER = new Set(["finding.raised", "evaluation.recorded", "feature.materialized", "run.finished"]);

/** "commented on late@7" as well as what no phrase is for: "registered pipeline nightly". */
function general({ event, word }: Told): readonly Piece[] {
  const [noun = "", done = ""] = event.verb.split(".");
  const kind = parse(event.subject)?.kind;
  const name = noun === kind && word("name");
  if (done === "commented") return ["commented on ", { ref: event.subject }];
  return [
    `${done.replaceAll("_", " ")} ${noun === kind || noun === "actor" ? "" : `${noun} of `}`,
    name ? { ref: event.subject, text: `${kind} ${name}` } : { ref: event.subject },
  ];
}

/** How a thing is called within a sentence: by its name where the verb says what it is, else with its kind. */
export function called(ref: string): string {
  const found = parse(ref);
  if (!found) return ref;
  const name = shortId(found.name) + (found.at === undefined ? "" : `@${found.at}`);
  const plain = found.at !== undefined || ["person", "service"].includes(found.kind);
  return plain ? name : `${found.kind} ${name}`;
}
