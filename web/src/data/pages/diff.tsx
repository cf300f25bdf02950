import { useQuery } from "@tanstack/react-query";
import { ArrowLeftRight } from "lucide-react";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { choice, number, useParam, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Stats } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { Skeleton } from "../../ui/skeleton";
import { Table } from "../../ui/table";
import { Segments } from "../../ui/tabs";
import { changed } from "../difference";
import { Records } from "../parts/records";
import { byNature, Shifts } from "../parts/shifts";
import { differenceQuery, storyQuery } from "../queries";
import "../data.css";

type Difference = Schema<"ostinato.data.types.Difference">;
const FIELDS = { a: number(), b: number(), of: choice("values", "instants") };

/** What changed between two versions? */
export function DiffPage() {
  const name = useParam("name");
  const project = useProject();
  const [{ a, b }] = useUrlState(FIELDS);
  const story = useQuery(storyQuery(name, undefined));
  const latest = story.data?.state.version?.version;
  const to = b ?? latest;
  const from = a ?? (to === undefined ? undefined : Math.max(1, to - 1));
  return (
    <Page
      title={`${name}: what changed`}
      heading={from === undefined || to === undefined || from === to ? name : `${name}@${from} → ${name}@${to}`}
      crumbs={[
        { text: "Data", to: `/${project}/data` },
        { text: name, to: `/${project}/data/${encodeURIComponent(name)}` },
        { text: "Difference" },
      ]}
      actions={
        story.data &&
        latest !== 1 &&
        from !== undefined &&
        to !== undefined && <Choose story={story.data} a={from} b={to} />
      }
    >
      <Loaded query={story} skeleton={<Skeleton lines={6} />}>
        {() =>
          from === undefined || to === undefined || latest === 1 ? (
            <Empty title={latest === 1 ? "There is only one version" : "There is no version yet"}>
              Two versions can be compared when two deliveries were accepted.
            </Empty>
          ) : (
            <Between name={name} a={from} b={to} />
          )
        }
      </Loaded>
    </Page>
  );
}

function Choose({ story: { state, deliveries }, a, b }: { story: Schema<"DatasetStory">; a: number; b: number }) {
  const [, set] = useUrlState(FIELDS);
  const latest = state.version?.version ?? 1;
  const keys = new Map(deliveries.map((delivery) => [delivery.version, delivery.key]));
  const swap = useMemo(() => [{ label: "Swap the versions", run: () => set({ a: b, b: a }) }], [a, b, set]);
  useVerbs(swap);
  const select = (label: string, value: number, choose: (version: number) => void) => (
    <select
      aria-label={label}
      className="version-select"
      value={value}
      onChange={({ target }) => choose(Number(target.value))}
    >
      {Array.from({ length: latest }, (_, i) => latest - i).map((version) => (
        <option key={version} value={version}>
          {version}
          {keys.has(version) && `, of ${keys.get(version)}`}
        </option>
      ))}
    </select>
  );
  return (
    <>
      {select("Before", a, (version) => set({ a: version, b }))}
      <Button
        aria-label="Swap the versions"
        title="Swap the versions"
        icon={<ArrowLeftRight size={14} />}
        onClick={() => set({ a: b, b: a })}
      />
      {select("After", b, (version) => set({ a, b: version }))}
    </>
  );
}

function Between({ name, a, b }: { name: string; a: number; b: number }) {
  const difference = useQuery(differenceQuery(name, a, b));
  return (
    <Loaded query={difference} skeleton={<Comparing />}>
      {(told) => <Told difference={told} />}
    </Loaded>
  );
}

function Comparing() {
  return (
    <>
      <p className="muted" role="status">
        Reading both versions; this takes a second for each few hundred thousand rows.
      </p>
      <Skeleton lines={8} />
    </>
  );
}

function Told({ difference }: { difference: Difference }) {
  const { a, b, rows_a, rows_b, added, removed, key, schema, compared, columns } = difference;
  const [{ of }, set] = useUrlState(FIELDS);
  const { values, instants } = byNature(columns);
  const words =
    compared === "added"
      ? [`all ${full(rows_a)} rows of ${a}`, `the ${full(added)} added rows`]
      : [`version ${a}`, `version ${b}`];
  const [before = "", after = ""] = words;
  return (
    <>
      <p className="diff-sentence">{changed(difference)}</p>
      <Stats
        items={[
          { label: "Rows", value: <Num value={rows_b} />, note: `${full(rows_a)} before` },
          {
            label: "Added",
            value: <Num value={added} signed />,
            note: key.length ? `by the key ${key.join(", ")}` : "compared whole",
          },
          { label: "Removed", value: removed ? <Num value={-removed} /> : 0 },
          {
            label: "Changed",
            value: difference.changed === null ? null : <Num value={difference.changed} />,
            note: difference.changed === null ? "no key to match rows by" : "same key, other values",
          },
          { label: "Schema", value: schema.length, note: schema.length === 1 ? "column changed" : "columns changed" },
        ]}
      />
      {schema.length > 0 && <SchemaChanges changes={schema} />}
      <Section
        title="Columns by how far their values shifted"
        note="0: as before, 1: nothing in common"
        aside={
          instants.length > 0 && (
            <Segments
              label="Which columns"
              items={[
                { value: "values", text: `Values ${values.length}` },
                { value: "instants", text: `Timestamps ${instants.length}` },
              ]}
              value={of}
              onChange={(next) => set({ of: next })}
            />
          )
        }
      >
        {columns.length === 0 ? (
          <Empty title="No column to compare" />
        ) : (
          <Shifts columns={of === "values" && values.length ? values : instants} before={before} after={after} />
        )}
      </Section>
      <Samples difference={difference} />
    </>
  );
}

function SchemaChanges({ changes }: { changes: readonly Schema<"SchemaChange">[] }) {
  return (
    <Section title="Schema">
      <Table
        label="Schema changes"
        rows={changes}
        rowKey={({ column }) => column}
        columns={[
          { head: "Column", cell: ({ column }) => column },
          { head: "Before", cell: ({ before }) => before ?? <span className="muted">not there</span> },
          { head: "After", cell: ({ after }) => after ?? <span className="muted">gone</span>, grow: true },
        ]}
      />
    </Section>
  );
}

function Samples({ difference: { added, removed, added_sample, removed_sample, key } }: { difference: Difference }) {
  return (
    <>
      {added > 0 && (
        <Section title="Added rows" note={`${added_sample.length} of ${full(added)}`}>
          <Records label="Samples of added rows" rows={added_sample} identity={key} />
        </Section>
      )}
      {removed > 0 && (
        <Section title="Removed rows" note={`${removed_sample.length} of ${full(removed)}`}>
          <Records label="Samples of removed rows" rows={removed_sample} identity={key} />
        </Section>
      )}
    </>
  );
}
