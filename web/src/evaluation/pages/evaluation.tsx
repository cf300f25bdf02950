import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { count, interval, percent } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { text, useParam, useUrlState } from "../../kernel/url";
import { Section } from "../../ui/card";
import { Facts, Stats } from "../../ui/facts";
import { Id, shortId } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { modelCrumbs } from "../../ui/model-crumbs";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Calibrated } from "../../ui/report/calibrated";
import { columnsOf, SliceChoice, Slices } from "../../ui/report/slices";
import { said } from "../../ui/report/words";
import { Time } from "../../ui/time";
import { Money } from "../parts/money";
import { figuresQuery } from "../queries";

const FIELDS = { by: text(), metric: text("auc") };
type Figures = Schema<"Figures">;

/** How good is it, and for whom is it not? */
export function EvaluationPage() {
  const id = useParam("id");
  const figures = useQuery(figuresQuery(id));
  const found = figures.data?.evaluation;
  const { crumbs, name } = modelCrumbs(useProject(), found?.subject);
  return (
    <Page
      title={name ? `Evaluation of ${name}` : `Evaluation ${shortId(id)}`}
      crumbs={crumbs}
      lead={
        found && (
          <>
            of <RefLink to={found.subject} /> on {count(found.report.rows, "row")}, of which{" "}
            {percent(found.report.positives / (found.report.rows || 1))} are positive
          </>
        )
      }
    >
      <Loaded query={figures}>{(drawn) => <Report figures={drawn} />}</Loaded>
    </Page>
  );
}

function Report({ figures }: { figures: Figures }) {
  const [{ by: column, metric }, set] = useUrlState(FIELDS);
  const { report } = figures.evaluation;
  const by = column || (columnsOf(figures)[0] ?? "");
  const numbers = figures.metrics.map(({ metric: name, higher_is_better, estimate: { value, low, high } }) => ({
    label: `${said(name)} ${higher_is_better ? "↑" : "↓"}`,
    value: <Num value={value} />,
    ...(low !== null && high !== null && { note: interval(low, high) }),
  }));
  return (
    <>
      <Section title="Metrics" note="with 95 % intervals; ↑ higher is better, ↓ lower is better">
        <Stats items={numbers} />
      </Section>
      <Calibrated figures={figures} />
      {by && (
        <Section
          title={`By ${by}`}
          note="worst first"
          aside={<SliceChoice figures={figures} by={by} metric={metric} onChange={set} />}
        >
          <Slices figures={figures} by={by} metric={metric} />
        </Section>
      )}
      {report.cost && (
        <Section title="Business value" note={`at the threshold ${report.threshold_from}`}>
          <Money cost={report.cost} />
        </Section>
      )}
      <Section title="Origin">
        <Origin {...figures.evaluation} />
      </Section>
    </>
  );
}

function Origin({ id, subject, datasets, data, report, recorded_at, recorded_by }: Schema<"Evaluation">) {
  return (
    <Facts
      items={[
        ["Of", <RefLink key="of" to={subject} />],
        [
          "Data",
          <span key="data" className="row">
            {datasets.map((dataset) => (
              <RefLink key={dataset} to={dataset} />
            ))}
          </span>,
        ],
        ["Rows", <Id key="rows" value={data} what="digest of the rows" />],
        [
          "Threshold",
          <span key="threshold">
            <Num value={report.threshold} /> <span className="muted">{report.threshold_from}</span>
          </span>,
        ],
        [
          "Recorded",
          <span key="recorded">
            <Time at={recorded_at} /> by <RefLink to={recorded_by} />
          </span>,
        ],
        ["Evaluation", <Id key="id" value={id} what="id" />],
      ]}
    />
  );
}
