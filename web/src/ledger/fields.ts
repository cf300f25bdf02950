import { choice, instant, list, number, text } from "../kernel/url";

/** What of the ledger's page stands in the address. */
export const LEDGER = {
  tab: choice("events", "production", "mentions", "subscriptions"),
  ref: text(),
  actor: text(),
  verb: text(),
  since: instant(),
  until: instant(),
  /** The event that is open. */
  event: text(),
};

export const LINEAGE = {
  direction: choice("both", "up", "down"),
  hops: number(2),
  /** The folded nodes that stand open. */
  open: list(),
};
