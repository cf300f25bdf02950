import { useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { count, short } from "../../kernel/number";
import { Button } from "../button";
import { DotInterval } from "../plots/dot-interval";
import { said, worstFirst } from "./words";

const FIRST = 12;

interface SlicesProps {
  figures: Schema<"Figures">;
  /** The column that parts the rows, and the metric: of the page's address. */
  by: string;
  metric: string;
}

/** A metric in each part of the rows, the worst first, against that of all rows. */
export function Slices({ figures, by, metric }: SlicesProps) {
  const [all, setAll] = useState(false);
  const figure = figures.metrics.find((one) => one.metric === metric) ?? figures.metrics[0];
  const parts = (figures.evaluation.report.groups ?? []).filter((slice) => slice.by === by);
  if (!figure || parts.length === 0) return <p className="muted">It was not measured by group.</p>;
  const rows = worstFirst(parts, figure).map((slice) => ({
    key: slice.value,
    label: slice.value,
    note: count(slice.rows, "row"),
    value: slice.metrics[figure.metric]?.value ?? null,
    low: slice.metrics[figure.metric]?.low ?? null,
    high: slice.metrics[figure.metric]?.high ?? null,
  }));
  const whole = figure.estimate.value;
  return (
    <>
      <DotInterval
        label={`${said(figure.metric)} by ${by}, worst first`}
        rows={all ? rows : rows.slice(0, FIRST)}
        {...(whole !== null && { reference: { value: whole, text: `${short(whole)} of all rows` } })}
      />
      {rows.length > FIRST && (
        <div>
          <Button small aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? `Only the ${FIRST} worst` : `All ${rows.length} groups`}
          </Button>
        </div>
      )}
    </>
  );
}

interface ChoiceProps extends SlicesProps {
  onChange: (change: { by?: string; metric?: string }) => void;
}

/** What the slices are of and by; stands in the head of their section. */
export function SliceChoice({ figures, by, metric, onChange }: ChoiceProps) {
  const columns = columnsOf(figures);
  return (
    <>
      <select aria-label="Metric" value={metric} onChange={({ target }) => onChange({ metric: target.value })}>
        {figures.metrics.map((one) => (
          <option key={one.metric} value={one.metric}>
            {said(one.metric)}
          </option>
        ))}
      </select>
      {columns.length > 1 && (
        <select aria-label="By" value={by} onChange={({ target }) => onChange({ by: target.value })}>
          {columns.map((column) => (
            <option key={column}>{column}</option>
          ))}
        </select>
      )}
    </>
  );
}

/** The columns by which an evaluation parts its rows. */
export function columnsOf({ evaluation }: Schema<"Figures">): string[] {
  return [...new Set((evaluation.report.groups ?? []).map((slice) => slice.by))];
}
