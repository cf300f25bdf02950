import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { count } from "../../kernel/number";
import { Section } from "../../ui/card";
import { Diff } from "../../ui/diff/diff";
import { Facts } from "../../ui/facts";
import { Id } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Status, type StatusKind } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { type Run, type Story, storyQuery, textQuery } from "../queries";
import { type Change, changes, versions, wordOf } from "./changes";

const PATCH = "code.patch";

interface BetweenProps {
  runs: readonly Run[];
  nameOf: (run: Run) => string;
  /** Ids of two of them, or "" for the first two. */
  a: string;
  b: string;
  onPick: (picks: { a?: string; b?: string }) => void;
}

/** Two runs, beyond their parameters: code, packages, data. */
export function Between({ runs, nameOf, a, b, onPick }: BetweenProps) {
  const from = runs.find(({ id }) => id === a) ?? runs[0];
  const to = runs.find(({ id }) => id === b) ?? runs.find((run) => run !== from);
  const one = useQuery(storyQuery(from?.id ?? ""));
  const two = useQuery(storyQuery(to?.id ?? ""));
  if (!from || !to) return null;
  const pick = (label: string, value: Run, set: (id: string) => void) => (
    <select aria-label={label} value={value.id} onChange={({ target }) => set(target.value)}>
      {runs.map((run) => (
        <option key={run.id} value={run.id}>
          {nameOf(run)}
        </option>
      ))}
    </select>
  );
  return (
    <Section
      title="Code, packages and data"
      note="of two runs"
      aside={
        <>
          {pick("From", from, (id) => onPick({ a: id }))}
          <span className="muted">to</span>
          {pick("To", to, (id) => onPick({ b: id }))}
        </>
      }
    >
      <Loaded query={one}>
        {(first) => <Loaded query={two}>{(second) => <Differing one={first} two={second} />}</Loaded>}
      </Loaded>
    </Section>
  );
}

function Differing({ one, two }: { one: Story; two: Story }) {
  const packages = changes(one.environment?.packages ?? {}, two.environment?.packages ?? {});
  const known = one.environment && two.environment;
  const data = changes(versions(one.run.inputs), versions(two.run.inputs));
  return (
    <div className="compare-between">
      <div className="stack">
        <h3>Code</h3>
        <Code one={one} two={two} />
      </div>
      <div className="stack">
        <h3>Packages</h3>
        {known ? (
          <Changes label="Packages that differ" found={packages} none="The same packages in the same versions." />
        ) : (
          <p className="muted">{one.environment ? "The second" : "The first"} recorded no environment.</p>
        )}
        {known && one.environment?.python !== two.environment?.python && (
          <p>
            Python {one.environment?.python} → {two.environment?.python}
          </p>
        )}
        <h3>Data</h3>
        <Changes
          label="Inputs that differ"
          found={data}
          none={one.run.inputs.length ? "The same inputs." : "No inputs were recorded."}
          name={({ name, b, a }) => <RefLink to={(b ?? a) === "–" ? name : `${name}@${b ?? a}`}>{name}</RefLink>}
        />
      </div>
    </div>
  );
}

function Code({ one, two }: { one: Story; two: Story }) {
  const [first, second] = [one.run.code, two.run.code];
  const patched = (story: Story) => story.artifacts.some(({ path }) => path === PATCH);
  const a = useQuery({ ...textQuery(one.run.id, PATCH), enabled: patched(one) });
  const b = useQuery({ ...textQuery(two.run.id, PATCH), enabled: patched(two) });
  const commit = (value: string | null | undefined) => (value ? <Id value={value} what="commit" /> : "none");
  return (
    <>
      <Facts
        items={[
          [
            "Commit",
            first.commit === second.commit ? (
              <span key="c">{commit(first.commit)} in both</span>
            ) : (
              <span key="c" className="row">
                {commit(first.commit)} → {commit(second.commit)}
              </span>
            ),
          ],
          [
            "Program",
            first.entry === second.entry ? first.entry || "–" : `${first.entry || "–"} → ${second.entry || "–"}`,
          ],
        ]}
      />
      {patched(one) || patched(two) ? (
        a.isLoading || b.isLoading ? null : (
          <Diff label="Their patches" a={a.data ?? ""} b={b.data ?? ""} />
        )
      ) : (
        <p className="muted">Both ran as committed, or no patch was recorded.</p>
      )}
    </>
  );
}

const KINDS: Record<ReturnType<typeof wordOf>, StatusKind> = { changed: "info", removed: "warn", added: "ok" };

interface ChangesProps {
  label: string;
  found: readonly Change[];
  none: string;
  name?: (change: Change) => ReactNode;
}

function Changes({ label, found, none, name = (change) => change.name }: ChangesProps) {
  if (found.length === 0) return <p className="muted">{none}</p>;
  const columns: TableColumn<Change>[] = [
    { head: count(found.length, "difference"), grow: true, cell: name },
    {
      head: "How",
      quiet: true,
      cell: (change) => <Status kind={KINDS[wordOf(change)]} word={wordOf(change)} />,
    },
    { head: "From", align: "end", cell: ({ a }) => a ?? "–" },
    { head: "To", align: "end", cell: ({ b }) => b ?? "–" },
  ];
  return <Table label={label} columns={columns} rows={found} rowKey={(change) => change.name} />;
}
