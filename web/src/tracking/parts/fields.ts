import { choice, list, text } from "../../kernel/url";

export const NEWEST = "-started_at";

/** What of the table of runs stands in its address. */
export const RUNS_FIELDS = {
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
