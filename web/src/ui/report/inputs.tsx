import { useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { full, short } from "../../kernel/number";
import { Button } from "../button";
import { Bars } from "../plots/bars";
import { DotInterval } from "../plots/dot-interval";

const FIRST = 10;

/** The inputs by what the model loses without each, with intervals. */
export function Importances({
  explanation,
  most = FIRST,
}: {
  explanation: Schema<"GlobalExplanation">;
  most?: number;
}) {
  const [all, setAll] = useState(false);
  const rows = explanation.importances.map(({ feature, value, low, high }) => ({
    key: feature,
    label: feature,
    value,
    low,
    high,
  }));
  return (
    <>
      <DotInterval
        label="Rise of the squared error without each input"
        rows={all ? rows : rows.slice(0, most)}
        reference={{ value: 0, text: "no rise" }}
      />
      {rows.length > most && (
        <div>
          <Button small aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? `Only the first ${most}` : `All ${rows.length} inputs`}
          </Button>
        </div>
      )}
    </>
  );
}

/** What each input added to one score, the largest first. */
export function Contributions({ explanation }: { explanation: Schema<"LocalExplanation"> }) {
  const sorted = [...(explanation.contributions ?? [])].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return (
    <Bars
      label="Contributions to the score"
      bars={sorted.map(({ feature, given, value, error }) => ({
        key: feature,
        label: (
          <>
            {feature} <span className="muted">{given === null ? "missing" : written(given)}</span>
          </>
        ),
        value,
        note: `± ${short(1.96 * error, 2)}`,
      }))}
    />
  );
}

function written(given: string | number | boolean): string {
  return typeof given === "number" ? full(Number(given.toPrecision(5))) : String(given);
}
