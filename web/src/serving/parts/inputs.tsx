import { useMutation, useQuery } from "@tanstack/react-query";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { ErrorBox } from "../../ui/error-box";
import { Num } from "../../ui/num";
import { Bars } from "../../ui/plots/bars";
import { RefLink } from "../../ui/ref-link";
import { explanationsQuery } from "../queries";
import { short } from "../words";

type Prediction = Schema<"Prediction">;
type Local = Schema<"LocalExplanation">;
type Scalar = Prediction["features"][string];

/** What the answer was made from, and on demand what each of it added. */
export function Inputs({ prediction }: { prediction: Prediction }) {
  const may = useMay("explanation:write");
  const { data: explanations } = useQuery(explanationsQuery(short(prediction.version)));
  const background = explanations?.[0]?.data;
  const explained = useMutation({
    mutationFn: (rows: string) =>
      send("post", "/explanations/local", {
        body: { model: short(prediction.version), row: prediction.features, background: rows, method: "shapley" },
      }),
  });
  const why = !may
    ? "needs explanation:write"
    : background === undefined
      ? `${short(prediction.version)} has no explanation yet, and so no background rows to compare with`
      : undefined;
  return (
    <Section
      title={explained.data ? "Inputs by contribution" : "Inputs"}
      note={Object.keys(prediction.features).length}
      aside={
        !explained.data && (
          <Button
            small
            busy={explained.isPending}
            disabled={why !== undefined}
            title={why ?? "takes a few seconds"}
            onClick={() => background !== undefined && explained.mutate(background)}
          >
            Explain this prediction
          </Button>
        )
      }
    >
      {explained.error && <ErrorBox error={explained.error} />}
      {explained.data ? <Contributions explanation={explained.data} /> : <Given features={prediction.features} />}
    </Section>
  );
}

function Given({ features }: { features: Prediction["features"] }) {
  return (
    <dl className="serving-inputs">
      {Object.entries(features).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{written(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Contributions({ explanation }: { explanation: Local }) {
  const { base, score, rows, contributions = [], id, method } = explanation;
  const largest = contributions.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return (
    <>
      <p>
        <Num value={base} />{" "}
        <span className="muted">is the mean score of {rows} rows; with what the inputs added it is</span>{" "}
        <Num value={score} /> <span className="muted">({method}).</span>{" "}
        <RefLink to={`explanation:${id}`}>Open this explanation</RefLink>
      </p>
      <Bars
        label="Contribution of each input to the score"
        bars={largest.map(({ feature, given, value }) => ({
          key: feature,
          label: (
            <>
              {feature} <span className="muted">{written(given)}</span>
            </>
          ),
          value,
        }))}
      />
    </>
  );
}

function written(value: Scalar | undefined): string {
  if (value === null || value === undefined) return "none";
  return typeof value === "number" ? full(Number(value.toPrecision(4))) : String(value);
}
