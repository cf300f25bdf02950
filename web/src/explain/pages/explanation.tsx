import { useQuery } from "@tanstack/react-query";
import { Fragment, type ReactNode } from "react";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { useParam } from "../../kernel/url";
import { Section } from "../../ui/card";
import { Facts, Stats } from "../../ui/facts";
import { Id, shortId } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { modelCrumbs } from "../../ui/model-crumbs";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Contributions, Importances } from "../../ui/report/inputs";
import { Time } from "../../ui/time";
import { explanationQuery } from "../queries";

/** What does the model rest on; or why did it say that? */
export function ExplanationPage() {
  const id = useParam("id");
  const found = useQuery(explanationQuery(id));
  const explanation = found.data?.whole ?? found.data?.answer;
  const { crumbs, name } = modelCrumbs(useProject(), explanation?.model);
  return (
    <Page
      title={name ? `Explanation of ${name}` : `Explanation ${shortId(id)}`}
      crumbs={crumbs}
      lead={
        explanation && (
          <>
            {found.data?.whole ? "Feature importance: " : "Why this score: "}
            <RefLink to={explanation.model} />, by the method {explanation.method}
          </>
        )
      }
    >
      <Loaded query={found}>
        {({ whole, answer }) => (
          <>
            {whole && <OfModel explanation={whole} />}
            {answer && <OfAnswer explanation={answer} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function OfModel({ explanation }: { explanation: Schema<"GlobalExplanation"> }) {
  const { importances, rows } = explanation;
  return (
    <>
      <Section
        title="Feature importance"
        note={`rise of the squared error when an input is shuffled among ${count(rows, "row")}`}
      >
        <Importances explanation={explanation} most={Math.max(importances.length, 1)} />
      </Section>
      <p className="muted">
        Correlated inputs share their importance. It does not say what would happen if an input were changed in the
        world.
      </p>
      <Origin explanation={explanation} data={explanation.data}>
        {[["Squared error", <Num key="loss" value={explanation.loss} />]]}
      </Origin>
    </>
  );
}

function OfAnswer({ explanation }: { explanation: Schema<"LocalExplanation"> }) {
  const { base, score, rows } = explanation;
  return (
    <>
      <Stats
        items={[
          { label: "Score", value: <Num value={score} /> },
          { label: "Background mean score", value: <Num value={base} />, note: count(rows, "row") },
          { label: "Difference", value: <Num value={score - base} signed /> },
        ]}
      />
      <Section title="Contribution of each input" note="± 95 % over the choice of background rows">
        <Contributions explanation={explanation} />
      </Section>
      <Origin explanation={explanation} data={explanation.background} />
    </>
  );
}

interface OriginProps {
  explanation: Schema<"GlobalExplanation"> | Schema<"LocalExplanation">;
  data: string;
  children?: [string, ReactNode][];
}

function Origin({
  explanation: { id, model, method, parameters, made_at, made_by },
  data,
  children = [],
}: OriginProps) {
  const words = Object.entries(parameters).map(([name, value]) => `${name} ${String(value)}`);
  return (
    <Section title="Origin">
      <Facts
        items={[
          ["Of", <RefLink key="of" to={model} />],
          [
            "Method",
            <Fragment key="method">
              {method} <span className="muted">{words.join(", ")}</span>
            </Fragment>,
          ],
          ...children,
          ["Rows", <Id key="rows" value={data} what="digest of the rows" />],
          [
            "Made",
            <span key="made">
              <Time at={made_at} /> by <RefLink to={made_by} />
            </span>,
          ],
          ["Explanation", <Id key="id" value={id} what="id" />],
        ]}
      />
    </Section>
  );
}
