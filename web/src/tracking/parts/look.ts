import type { Schema } from "../../kernel/api/types";
import type { Asked } from "../queries";
import { NEWEST, RUNS_FIELDS } from "./fields";
import { conditions } from "./filter";

export type SavedView = Schema<"SavedView">;

/** What a view keeps of the table's address. */
export interface Look {
  experiment: string;
  filter: string;
  sort: string;
  level: "auto" | "whole" | "all";
  columns: string[];
}

const WHOLE = 'parent = ""';

/** Runs that are part of no other are `whole`; of one experiment all are shown unless the address says so. */
export function levelOf({ level, experiment }: Pick<Look, "level" | "experiment">): "whole" | "all" {
  return level === "auto" ? (experiment ? "all" : "whole") : level;
}

/** The conditions that the server is asked for. */
export function whereOf(look: Pick<Look, "level" | "experiment" | "filter">, parent = ""): string[] {
  return [...(levelOf(look) === "whole" && !parent ? [WHOLE] : []), ...conditions(look.filter)];
}

/** What the server is asked for the table that an address names. */
export function askedOf(state: Pick<Look, "experiment" | "filter" | "sort" | "level"> & { parent: string }): Asked {
  const { experiment, parent, sort } = state;
  return {
    experiment: experiment || undefined,
    parent: parent || undefined,
    where: whereOf(state, parent),
    order_by: sort,
  };
}

/** What the server keeps of a look. */
export function kept(look: Look) {
  return {
    experiment: look.experiment || null,
    where: whereOf(look),
    order_by: look.sort,
    columns: look.columns,
  };
}

/** The look that a view keeps. */
export function lookOf(view: Pick<SavedView, "experiment" | "where" | "order_by" | "columns">): Look {
  const own = view.where.filter((condition) => condition !== WHOLE);
  return {
    experiment: view.experiment ?? "",
    filter: own.length > 1 ? own.map((condition) => `(${condition})`).join(" and ") : (own[0] ?? ""),
    sort: view.order_by || NEWEST,
    level: view.where.includes(WHOLE) ? "whole" : "all",
    columns: view.columns,
  };
}

/** Whether the table shows what the view keeps. */
export function shows(look: Look, view: SavedView): boolean {
  const [here, there] = [kept(look), kept(lookOf(view))];
  return JSON.stringify(here) === JSON.stringify(there);
}

/** All of the table's address that a view says something about, for it to say nothing else. */
export function atFirst(): Look & { group: string; open: string[]; parent: string } {
  const read = <T>(field: { read: (given: string[]) => T }) => field.read([]);
  return {
    experiment: read(RUNS_FIELDS.experiment),
    filter: read(RUNS_FIELDS.filter),
    sort: read(RUNS_FIELDS.sort),
    level: read(RUNS_FIELDS.level),
    columns: read(RUNS_FIELDS.columns),
    group: read(RUNS_FIELDS.group),
    open: read(RUNS_FIELDS.open),
    parent: read(RUNS_FIELDS.parent),
  };
}
