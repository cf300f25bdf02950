import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schema } from "../../kernel/api/types";
import { now, time } from "../../kernel/time";
import { choice, list, text, useAt, useUrlState } from "../../kernel/url";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { LineChart } from "../../ui/line-chart/line-chart";
import { Num } from "../../ui/num";
import { Spark } from "../../ui/plots/spark";
import { Table, type TableColumn } from "../../ui/table";
import { Segments } from "../../ui/tabs";
import { entityRowsQuery, type Keys, pathQuery, valuesQuery } from "../queries";
import { entitiesIn, instants, keysOf, meaning, typed } from "../words";
import { KeyBox } from "./key-box";

type State = Schema<"ViewState">;
type Feature = Schema<"Feature">;

const FIELDS = { key: list(), feature: text(), days: choice("30", "7", "90", "365") };
const POINTS = 120;

/** What a view says of one entity as of an instant, and how it came to that. */
export function Values({ state }: { state: State }) {
  const [{ key, days }, set] = useUrlState(FIELDS);
  const [at, setAt] = useAt();
  const { view, keys } = state;
  const rows = useQuery(entityRowsQuery(view.dataset));
  const known = useMemo(() => entitiesIn(rows.data ?? [], view.entity), [rows.data, view.entity]);
  const given = { ...known[0], ...keysOf(key) };
  const asked = typed(given, keys);
  const give = (column: string, value: string) =>
    set((now) => {
      const next: Readonly<Record<string, string>> = { ...known[0], ...keysOf(now.key), [column]: value };
      return { key: view.entity.filter((one) => one in next).map((one) => `${one}=${next[one]}`) };
    });
  return (
    <Section
      title="Values"
      aside={
        <Segments
          label="How far back"
          items={[
            { value: "7", text: "7 d" },
            { value: "30", text: "30 d" },
            { value: "90", text: "90 d" },
            { value: "365", text: "1 y" },
          ]}
          value={days}
          onChange={(next) => set({ days: next })}
        />
      }
    >
      <KeyBox state={state} given={given} onGiven={give} at={at} onAt={setAt} known={known} />
      <Proposals known={known} onChoose={(entity) => set({ key: view.entity.map((one) => `${one}=${entity[one]}`) })} />
      {asked ? (
        <OfKey view={view} keys={asked} at={at} days={days} />
      ) : (
        <Empty title="Name the entity">Every column of the key needs a value of its type.</Empty>
      )}
    </Section>
  );
}

function OfKey({
  view,
  keys,
  at,
  days,
}: {
  view: Schema<"FeatureView">;
  keys: Keys;
  at: string | undefined;
  days: string;
}) {
  const [{ feature: wanted }, set] = useUrlState(FIELDS);
  const values = useQuery(valuesQuery(view.name, keys, at));
  const end = at ? time(at) : now();
  const when = useMemo(() => instants(end, Number(days), POINTS), [end, days]);
  const path = useQuery(pathQuery(view.name, keys, when));
  const feature = view.features.find(({ name }) => name === wanted) ?? view.features[0];
  const of = (data: Readonly<Record<string, unknown>> | undefined, { name }: Feature) =>
    data?.[`${view.name}__${name}`];
  const points = feature && (of(path.data, feature) as (number | null)[] | undefined);
  const lines = useMemo(
    () => (feature && points ? [{ name: feature.name, x: when.map((instant) => Date.parse(instant)), y: points }] : []),
    [feature, points, when],
  );
  if (values.error) return <ErrorBox error={values.error} />;
  const columns: TableColumn<Feature>[] = [
    {
      head: "Feature",
      cell: ({ name }) => (
        <button
          type="button"
          className="values-name"
          aria-pressed={name === feature?.name}
          onClick={() => set({ feature: name })}
        >
          {name}
        </button>
      ),
    },
    { head: "Value", cell: (one) => <Value value={of(values.data, one)} />, align: "end" },
    { head: `Last ${days} d`, cell: (one) => <Path name={one.name} values={of(path.data, one)} /> },
    { head: "Meaning", cell: (one) => <span className="muted">{meaning(one)}</span>, grow: true },
  ];
  return (
    <>
      <Table
        label="Values"
        columns={columns}
        rows={view.features}
        rowKey={({ name }) => name}
        marked={({ name }) => name === feature?.name && view.features.length > 1}
      />
      {path.error && <ErrorBox error={path.error} />}
      {points?.every((value) => value === null) && (
        <p className="muted">
          {feature?.name} of {Object.values(keys).join(", ")} has no value in these {days} days.
        </p>
      )}
      {feature && points?.some((value) => value !== null) && (
        <LineChart title={`${feature.name} of ${Object.values(keys).join(", ")}`} lines={lines} time height={220} />
      )}
    </>
  );
}

interface ProposalsProps {
  known: readonly Record<string, string>[];
  onChoose: (entity: Record<string, string>) => void;
}

/** Entities that the dataset begins with, the most frequent first. */
function Proposals({ known, onChoose }: ProposalsProps) {
  if (known.length < 2) return null;
  return (
    <p className="key-proposals">
      <span className="muted">Such as</span>
      {known.slice(0, 6).map((entity) => (
        <button key={JSON.stringify(entity)} type="button" className="values-name" onClick={() => onChoose(entity)}>
          {Object.values(entity).join(" ")}
        </button>
      ))}
    </p>
  );
}

function Value({ value }: { value: unknown }) {
  if (value === undefined) return <span className="muted">…</span>;
  if (value === null)
    return (
      <span className="muted" title="no value in the window">
        null
      </span>
    );
  return (
    <strong className="values-value">
      <Num value={Number(value)} digits={4} />
    </strong>
  );
}

function Path({ name, values }: { name: string; values: unknown }) {
  return Array.isArray(values) ? (
    <Spark label={`${name} over time`} values={values as (number | null)[]} width={140} />
  ) : null;
}
