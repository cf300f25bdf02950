import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { format, href, parse } from "../../kernel/ref";
import type { Verb } from "../../kernel/verbs";
import { FURTHER, PLACES } from "../navigation";
import { searchQuery } from "../queries";

interface Shown {
  key: string;
  kind: string;
  label: string;
  note?: string | undefined;
  /** Why it cannot be done now. */
  disabled?: string | undefined;
}
export type Choice = Shown & ({ to: string } | { to?: undefined; run: () => void });

export interface Found {
  groups: readonly Group[];
  /** The server is still looking. */
  looking: boolean;
  /** There is more of that name than is shown. */
  more: boolean;
}
export interface Group {
  head: string;
  choices: readonly Choice[];
}

/** What the palette offers for what was typed: acts on the page in view, pages, and things by their Ref or name. */
export function useChoices(typed: string, project: string, verbs: readonly Verb[]): Found {
  const wanted = typed.trim();
  const { data, isFetching } = useQuery({ ...searchQuery(wanted), placeholderData: keepPreviousData });
  const hits = wanted === "" ? [] : (data?.hits ?? []);
  const exact = parse(wanted);
  const named = exact && !hits.some(({ ref }) => ref === wanted) ? [thing(wanted, project, format(exact))] : [];
  const groups = [
    { head: "By reference", choices: named },
    { head: "Acts here", choices: matching(wanted, verbs.map(verbChoice)) },
    { head: "Pages", choices: matching(wanted, placeChoices(project)) },
    ...grouped(hits.map(({ ref, title, summary }) => thing(ref, project, title, summary))),
  ].filter(({ choices }) => choices.length > 0);
  return { groups, looking: wanted !== "" && isFetching, more: hits.length > 0 && (data?.more ?? false) };
}

/** By their kinds, in the order in which the best of each was ranked. */
export function grouped(things: readonly Choice[]): Group[] {
  const kinds = [...new Set(things.map(({ kind }) => kind))];
  return kinds.map((kind) => ({
    head: headOf(kind),
    choices: things.filter((one) => one.kind === kind).slice(0, SHOWN_OF_A_KIND),
  }));
}

const SHOWN_OF_A_KIND = 5;

function headOf(kind: string): string {
  const plural = kind === "person" ? "people" : `${kind}s`;
  return plural.charAt(0).toUpperCase() + plural.slice(1);
}

function thing(ref: string, project: string, label: string, note?: string): Choice {
  return { key: ref, kind: parse(ref)?.kind ?? "", label, note, to: href(project, ref) };
}

function verbChoice(verb: Verb): Choice {
  const { label, run, enabled = true } = verb;
  const disabled = enabled === true ? undefined : enabled || "not now";
  return { key: `act ${label}`, kind: "act", label, run, disabled };
}

function placeChoices(project: string): Choice[] {
  return [...PLACES, ...FURTHER].map(({ label, path }) => ({
    key: `page ${label}`,
    kind: "page",
    label,
    to: path ? `/${project}/${path}` : `/${project}`,
  }));
}

/** Those in which every typed word begins a word, else those that contain its letters in order. */
export function matching<T extends { label: string }>(wanted: string, all: readonly T[]): T[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...all];
  const begins = (label: string) => {
    const parts = label.toLowerCase().split(/[\s:@/._-]+/);
    return words.every((word) => parts.some((part) => part.startsWith(word)));
  };
  const first = all.filter(({ label }) => begins(label));
  const letters = words.join("");
  return [...first, ...all.filter((one) => !first.includes(one) && inOrder(letters, one.label.toLowerCase()))];
}

function inOrder(letters: string, label: string): boolean {
  let at = -1;
  return [...letters].every((letter) => {
    at = label.indexOf(letter, at + 1);
    return at >= 0;
  });
}
