import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { format, href, parse } from "../kernel/ref";
import type { Verb } from "../kernel/verbs";
import { FURTHER, PLACES } from "./navigation";
import { searchQuery } from "./queries";

interface Shown {
  key: string;
  kind: string;
  label: string;
  note?: string | undefined;
  /** Why it cannot be done now. */
  disabled?: string | undefined;
}
export type Choice = Shown & ({ to: string } | { to?: undefined; run: () => void });

/** What the palette offers for what was typed: acts on the page in view, pages, and things by their Ref or name. */
export function useChoices(typed: string, project: string, verbs: readonly Verb[]): readonly Choice[] {
  const wanted = typed.trim();
  const { data } = useQuery({ ...searchQuery(wanted), placeholderData: keepPreviousData });
  const things =
    wanted === "" ? [] : (data?.hits ?? []).map(({ ref, title, summary }) => thing(ref, project, title, summary));
  const exact = parse(wanted);
  const named = exact && !things.some(({ key }) => key === wanted) ? [thing(wanted, project, format(exact))] : [];
  return [...named, ...matching(wanted, [...verbs.map(verbChoice), ...placeChoices(project)]), ...things];
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
