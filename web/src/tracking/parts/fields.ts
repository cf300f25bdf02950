import { choice, list, text } from "../../kernel/url";

export const NEWEST = "-started_at";

/** What of the table of runs stands in its address. */
export const RUNS_FIELDS = {
  /** The name of a saved view: alone in the address it stands for all that it keeps. */
  view: text(),
  experiment: text(),
  filter: text(),
  sort: text(NEWEST),
  level: choice("auto", "whole", "all"),
  parent: text(),
  group: text(),
  open: list(),
  columns: list(),
  ids: list(),
};
