import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { flag, text, useParam, useUrlState } from "../../kernel/url";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { Interval } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { said } from "../../ui/report/words";
import { Status } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { kindOf } from "../parts/standing";
import { spanOf, Whiskers } from "../parts/whisker";
import { comparisonQuery } from "../queries";
import "../registry.css";

type Comparison = Schema<"VersionComparison">;
type Aspect = Schema<"Aspect">;

const FIELDS = { versions: text(), all: flag() };

/** In what do these versions differ? */
export function ComparePage() {
  const model = useParam("model");
  const project = useProject();
  const [{ versions, all }, set] = useUrlState(FIELDS);
  const refs = versions.split(" ").filter(Boolean);
  const change = (next: readonly string[]) => set({ versions: next.join(" ") });
  const comparison = useQuery(comparisonQuery(refs));
  return (
    <Page
      title={`Compare ${refs.join(", ")}`}
      heading={`Compare versions of ${model}`}
      crumbs={[
        { text: "Models", to: `/${project}/models` },
        { text: model, to: `/${project}/models/${model}` },
      ]}
    >
      <Chosen refs={refs} model={model} onChange={change} />
      {refs.length > 1 ? (
        <Loaded query={comparison}>
          {(found) => <Sides of={found} all={all} onAll={(next) => set({ all: next })} />}
        </Loaded>
      ) : (
        <p className="muted">Add another version, such as {model}@champion.</p>
      )}
    </Page>
  );
}

interface ChosenProps {
  refs: readonly string[];
  model: string;
  onChange: (refs: readonly string[]) => void;
}

function Chosen({ refs, model, onChange }: ChosenProps) {
  const [typed, setTyped] = useState("");
  const add = (event: FormEvent) => {
    event.preventDefault();
    const ref = typed.includes("@") ? typed.trim() : `${model}@${typed.trim()}`;
    if (typed.trim() && !refs.includes(ref)) onChange([...refs, ref]);
    setTyped("");
  };
  return (
    <form className="row model-chosen" onSubmit={add}>
      {refs.map((ref) => (
        <Button key={ref} small title={`Remove ${ref}`} onClick={() => onChange(refs.filter((one) => one !== ref))}>
          {ref} ×
        </Button>
      ))}
      <input
        aria-label="Another version"
        placeholder="7, champion or other@2"
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
      />
      <Button small type="submit" disabled={!typed.trim()}>
        Add
      </Button>
    </form>
  );
}

function Sides({ of, all, onAll }: { of: Comparison; all: boolean; onAll: (all: boolean) => void }) {
  const shown = all ? of.aspects : of.aspects.filter(({ same }) => !same);
  const parts = [...new Set(shown.map(({ part }) => part))];
  const hidden = of.aspects.length - of.aspects.filter(({ same }) => !same).length;
  return (
    <div className="stack model-compare">
      <Section
        title="Measured"
        aside={!of.same_rows && <Status kind="warn" word="not on the same rows: compare with care" />}
      >
        <Table label="Metrics" columns={metricColumns(of)} rows={of.metrics} rowKey={({ metric }) => metric} />
      </Section>
      {parts.map((part) => (
        <Section key={part} title={said(part)}>
          <Table
            label={`${said(part)} of each version`}
            columns={aspectColumns(of)}
            rows={shown.filter((aspect) => aspect.part === part)}
            rowKey={({ name }) => name}
          />
        </Section>
      ))}
      {hidden > 0 && (
        <div>
          <Button small onClick={() => onAll(!all)}>
            {all ? "Show differences only" : `Show ${hidden} that are the same`}
          </Button>
        </div>
      )}
    </div>
  );
}

function metricColumns(of: Comparison): TableColumn<Comparison["metrics"][number]>[] {
  return [
    {
      head: "Metric",
      cell: ({ metric, higher_is_better }) => (
        <>
          {said(metric)} <span className="muted">{higher_is_better ? "↑" : "↓"}</span>
          <span className="sr-only">{higher_is_better ? "higher is better" : "lower is better"}</span>
        </>
      ),
    },
    ...of.versions.flatMap(({ line }, i): TableColumn<Comparison["metrics"][number]>[] => [
      {
        head: (
          <span className="row">
            <RefLink to={line.ref} bare />
            <Status kind={kindOf(line.state)} word={line.state} />
          </span>
        ),
        minor: true,
        cell: ({ values }) => (
          <Whiskers
            width={140}
            span={spanOf(values.map((value) => value ?? undefined))}
            marks={[{ of: line.ref, estimate: values[i] ?? undefined, look: "ours" }]}
          />
        ),
      },
      {
        head: line.ref.replace("model:", ""),
        quiet: true,
        align: "end",
        cell: ({ values }) => <Interval value={values[i]?.value} low={values[i]?.low} high={values[i]?.high} />,
      },
    ]),
  ];
}

function aspectColumns(of: Comparison): TableColumn<Aspect>[] {
  return [
    { head: "Name", cell: ({ name }) => name },
    ...of.versions.map(
      ({ line }, i): TableColumn<Aspect> => ({
        head: <RefLink to={line.ref} bare />,
        cell: ({ values, same }) => <Value text={values[i] ?? null} differs={!same} />,
      }),
    ),
  ];
}

function Value({ text: value, differs }: { text: string | null; differs: boolean }) {
  if (value === null) return <span className="muted">–</span>;
  if (value.startsWith("dataset:")) return <RefLink to={value} />;
  return <span data-differs={differs || undefined}>{value.length > 40 ? `${value.slice(0, 16)}…` : value}</span>;
}
