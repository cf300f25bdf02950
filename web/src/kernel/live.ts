import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { isReplay, setClock } from "./time";

/** Which slices' answers an event may have changed, by the noun of its verb; the ledger and the app's overviews hear of each. */
const SLICES: Readonly<Record<string, readonly string[]>> = {
  dataset: ["data"],
  feature: ["features"],
  run: ["tracking"],
  experiment: ["tracking"],
  view: ["tracking"],
  trace: ["traces"],
  price: ["traces"],
  evalset: ["traces"],
  execution: ["pipelines", "tracking"],
  pipeline: ["pipelines"],
  schedule: ["pipelines"],
  trigger: ["pipelines"],
  limit: ["pipelines"],
  evaluation: ["evaluation", "registry"],
  model: ["registry", "serving"],
  explanation: ["explain"],
  endpoint: ["serving"],
  rollout: ["serving", "registry"],
  monitor: ["monitoring"],
  finding: ["monitoring"],
  alert: ["monitoring"],
  window: ["monitoring"],
};
const PEOPLE = ["access"];
const ALWAYS = ["ledger", "app", "insights"];
const FLUSH_MS = 250;
const LOST_MS = 2500;

export type LiveState = "connecting" | "live" | "lost" | "off";
type Message = { slices: readonly string[] } | { state: LiveState };

let state: LiveState = "connecting";
const watchers = new Set<() => void>();

function become(next: LiveState): void {
  if (next === state) return;
  state = next;
  for (const tell of watchers) tell();
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (tell) => {
      watchers.add(tell);
      return () => watchers.delete(tell);
    },
    () => state,
  );
}

export function slicesOf(verb: string): readonly string[] {
  const noun = verb.slice(0, verb.indexOf("."));
  return [...(SLICES[noun] ?? PEOPLE), ...ALWAYS];
}

/**
 * Keeps the answers of a project in step with its ledger until the signal ends it. Browsers open few connections to a server, so of all
 * tabs one holds the stream and tells the others; when it closes, another takes over.
 */
export function follow(project: string, queries: QueryClient, signal: AbortSignal): void {
  const channel = new BroadcastChannel(`ostinato-live:${project}`);
  const batch = new Batch(queries, signal);
  const hear = (message: Message) => {
    if ("slices" in message) return batch.add(message.slices);
    if (message.state === "live" && state === "lost") batch.add("all"); // what was missed is not told again to those who only listened
    become(message.state);
  };
  channel.onmessage = ({ data }: MessageEvent<Message | "who leads?">) => {
    if (data !== "who leads?") hear(data);
    else if (leads) channel.postMessage({ state } satisfies Message);
  };
  channel.postMessage("who leads?");
  let leads = false;
  const tell = (message: Message) => {
    hear(message);
    channel.postMessage(message);
  };
  signal.addEventListener("abort", () => channel.close());
  const held = navigator.locks.request(`ostinato-live:${project}`, { signal }, async () => {
    if (signal.aborted) return;
    leads = true;
    await stream(project, tell, signal);
  });
  held.catch(() => undefined); // the wait was ended by the signal
}

/** Reads the stream until the signal; resolves then. */
function stream(project: string, tell: (message: Message) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let source: EventSource | undefined;
    let lost: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    let last = "";
    const address = `/api/v1/live?project=${encodeURIComponent(project)}`;
    const open = () => {
      source = new EventSource(last ? `${address}&after=${last}` : address);
      source.onopen = () => {
        clearTimeout(lost);
        lost = undefined;
        tell({ state: "live" });
      };
      source.onmessage = ({ data, lastEventId }: MessageEvent<string>) => {
        last = lastEventId;
        tell({ slices: slicesOf((JSON.parse(data) as { verb: string }).verb) });
      };
      source.onerror = () => {
        lost ??= setTimeout(() => tell({ state: "lost" }), LOST_MS);
        if (source?.readyState === EventSource.CLOSED) void refused(); // else it tries again by itself
      };
    };
    /** The server answered, and not with a stream: is somebody else to sign in, may this person not listen, or is it starting? */
    const refused = async () => {
      const status = await fetch(address, { method: "HEAD", signal }).then(
        (reply) => reply.status,
        () => 0,
      );
      if (signal.aborted) return;
      if (status === 401) tell({ slices: PEOPLE });
      if (status === 403) {
        clearTimeout(lost);
        tell({ state: "off" });
      } else again = setTimeout(open, LOST_MS);
    };
    open();
    signal.addEventListener("abort", () => {
      clearTimeout(lost);
      clearTimeout(again);
      source?.close();
      resolve();
    });
  });
}

/** What changed since the last flush: however many events come, a query is asked again at most every 250 ms. */
class Batch {
  private slices = new Set<unknown>();
  private all = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly queries: QueryClient;

  constructor(queries: QueryClient, signal: AbortSignal) {
    this.queries = queries;
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  add(slices: readonly string[] | "all"): void {
    if (slices === "all") this.all = true;
    else for (const slice of slices) this.slices.add(slice);
    this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    const { slices, all } = this;
    this.timer = undefined;
    this.slices = new Set();
    this.all = false;
    if (isReplay()) void setClock();
    const concerns = ({ queryKey }: { queryKey: readonly unknown[] }) => all || slices.has(queryKey[0]);
    const underWay = this.queries
      .getQueryCache()
      .findAll({ type: "active", fetchStatus: "fetching", predicate: concerns });
    void this.queries.invalidateQueries({ predicate: concerns, refetchType: "active" }, { cancelRefetch: false });
    if (underWay.length) this.add(underWay.map(({ queryKey }) => String(queryKey[0]))); // they may bring what was before the event
  }
}
