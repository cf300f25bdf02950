import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

/** A value kept in the address: how it is read, and written; `undefined` when it is what it is anyway. */
export interface Field<T> {
  read: (given: string[]) => T;
  write: (value: T) => string[] | undefined;
}

export function text(otherwise = ""): Field<string> {
  return { read: ([given]) => given ?? otherwise, write: (value) => (value === otherwise ? undefined : [value]) };
}

export function choice<const T extends string>(first: T, ...others: T[]): Field<T> {
  const known: readonly string[] = [first, ...others];
  return {
    read: ([given]) => (given !== undefined && known.includes(given) ? (given as T) : first),
    write: (value) => (value === first ? undefined : [value]),
  };
}

export function number<T extends number | undefined = undefined>(otherwise?: T): Field<number | T> {
  return {
    read: ([given]) => (given && Number.isFinite(Number(given)) ? Number(given) : (otherwise as T)),
    write: (value) => (value === undefined || value === otherwise ? undefined : [String(value)]),
  };
}

export function flag(): Field<boolean> {
  return { read: ([given]) => given === "1", write: (value) => (value ? ["1"] : undefined) };
}

/** Several texts; the key is repeated. */
export function list(): Field<string[]> {
  return { read: (given) => given, write: (value) => (value.length ? value : undefined) };
}

/** An instant or a date, `2013-05-03`; what is neither is not there. */
export function instant(): Field<string | undefined> {
  return {
    read: ([given]) => (given && !Number.isNaN(Date.parse(given)) ? given : undefined),
    write: (value) => (value ? [value] : undefined),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a field of any kind of value
type Fields = Readonly<Record<string, Field<any>>>;
export type ValuesOf<F> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never };
/** What is to change, or how it follows from what stands in the address by then. */
type Changes<F> = Partial<ValuesOf<F>> | ((now: ValuesOf<F>) => Partial<ValuesOf<F>>);
interface Manner {
  /** A step that the back button returns from, rather than a refinement of the same view. */
  push?: boolean;
}

/**
 * The part of a page's state that a person would want to share: it is in the address, read by `fields` (a constant of the module).
 *
 *     const FIELDS = { tab: choice("versions", "schema"), sort: text("-started_at") };
 *     const [{ tab, sort }, set] = useUrlState(FIELDS);
 */
export function useUrlState<F extends Fields>(
  fields: F,
): [ValuesOf<F>, (changes: Changes<F>, manner?: Manner) => void] {
  const search = useSearch({ strict: false }) as RawSearch;
  const navigate = useNavigate();
  const values = useMemo(() => read(fields, search), [fields, search]);
  const set = useCallback(
    (changes: Changes<F>, { push = false }: Manner = {}) => {
      const changed = (before: RawSearch) => (typeof changes === "function" ? changes(read(fields, before)) : changes);
      void navigate({
        to: ".",
        search: (before: RawSearch) => ({ ...before, ...written(fields, changed(before)) }),
        replace: !push,
        resetScroll: push,
      } as never);
    },
    [fields, navigate],
  );
  return [values, set];
}

/** The search part of an address, `""` or `"?…"`, for links to a page in another state. */
export function query<F extends Fields>(fields: F, values: Partial<ValuesOf<F>>): string {
  return stringifySearch(written(fields, values));
}

/** What the fields read of a search: outside a component, where `useUrlState` does the same. */
export function read<F extends Fields>(fields: F, search: RawSearch): ValuesOf<F> {
  const values = Object.entries(fields).map(([name, field]) => [name, field.read([search[name] ?? []].flat())]);
  return Object.fromEntries(values) as ValuesOf<F>;
}

function written<F extends Fields>(fields: F, changes: Partial<ValuesOf<F>>): RawSearch {
  return Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, fields[name]?.write(value)]));
}

/** A search as it stands in the address: plain texts, a repeated key is a list. */
export type RawSearch = Record<string, string | string[] | undefined>;

export function parseSearch(given: string): RawSearch {
  const params = new URLSearchParams(given);
  return Object.fromEntries(
    [...new Set(params.keys())].map((name) => {
      const all = params.getAll(name);
      return [name, all.length > 1 ? all : (all[0] ?? "")];
    }),
  );
}

export function stringifySearch(search: RawSearch): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const one of [value ?? []].flat()) params.append(name, one);
  }
  const written = params
    .toString()
    .replaceAll("%3A", ":")
    .replaceAll("%2F", "/")
    .replaceAll("%40", "@")
    .replaceAll("%2C", ",");
  return written ? `?${written}` : "";
}

const AT = { at: instant() };

/** The instant as of which a page is asked for by `?at=`; undefined for the present. */
export function useAt(): [string | undefined, (at: string | undefined) => void] {
  const [{ at }, set] = useUrlState(AT);
  return [at, useCallback((next) => set({ at: next }, { push: true }), [set])];
}

/** What stands at a placeholder of the page's path: `useParam("name")` of `data/$name`. */
export function useParam(name: string): string {
  const params = useParams({ strict: false }) as Record<string, string | undefined>;
  return params[name] ?? "";
}
