import { useQuery } from "@tanstack/react-query";
import { count } from "../../kernel/number";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Calibrated } from "../../ui/report/calibrated";
import { Importances } from "../../ui/report/inputs";
import { columnsOf, SliceChoice, Slices } from "../../ui/report/slices";
import { Skeleton } from "../../ui/skeleton";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { answersQuery, explanationsQuery, figuresQuery } from "../queries";
import { Comparison } from "./comparison";
import type { Review } from "./standing";

interface EvidenceProps {
  review: Review;
  at: string | undefined;
  by: string;
  metric: string;
  onChoose: (change: { by?: string; metric?: string }) => void;
}

/** What speaks for and against a version: beside the champion, calibration, slices, inputs. */
export function Evidence({ review, at, ...choice }: EvidenceProps) {
  const { version, champion, same_rows, champion_evaluation } = review;
  const rival = champion?.replace("model:", "");
  const rows = same_rows ? "on the same rows" : "not on the same rows: compare with care";
  return (
    <>
      {review.metrics.length > 0 && (
        <Section
          title={rival && champion_evaluation ? `Compared with ${rival}` : "Metrics"}
          note={rival && champion_evaluation ? rows : "with 95 % intervals"}
          aside={<Legend champion={Boolean(rival && champion_evaluation)} />}
        >
          <Comparison review={review} />
        </Section>
      )}
      {version.evaluation ? (
        <Evaluated review={review} evaluation={version.evaluation} {...choice} />
      ) : (
        <p className="muted">It was registered without an evaluation.</p>
      )}
      <Explained model={`${version.model}@${version.version}`} at={at} />
    </>
  );
}

function Legend({ champion }: { champion: boolean }) {
  return (
    <span className="model-legend muted">
      <i data-look="ours" /> this version
      {champion && (
        <>
          <i data-look="champion" /> champion
        </>
      )}
      <i data-look="baseline" /> baseline
      <span>· each metric on its own scale</span>
    </span>
  );
}

type EvaluatedProps = Omit<EvidenceProps, "at"> & { evaluation: string };

function Evaluated({ review, evaluation, by, metric, onChoose }: EvaluatedProps) {
  const figures = useQuery(figuresQuery(evaluation));
  const { champion, champion_evaluation: theirs, same_rows } = review;
  const against =
    champion && theirs && same_rows
      ? { name: champion.replace("model:", ""), bins: theirs.report.calibration }
      : undefined;
  return (
    <Loaded query={figures} skeleton={<Skeleton height={340} />}>
      {(drawn) => {
        const choice = { by: by || (columnsOf(drawn)[0] ?? ""), metric: metric || "auc" };
        return (
          <>
            <Section
              title="Evaluation"
              note={count(drawn.evaluation.report.rows, "row")}
              aside={<RefLink to={`evaluation:${evaluation}`} />}
            >
              <Calibrated figures={drawn} against={against} />
            </Section>
            <Section
              title={`By ${choice.by || "group"}`}
              note="worst first"
              aside={<SliceChoice figures={drawn} {...choice} onChange={onChoose} />}
            >
              <Slices figures={drawn} {...choice} />
            </Section>
          </>
        );
      }}
    </Loaded>
  );
}

type Answer = { id: string; score: number; base: number; row: Record<string, unknown>; made_at: string };
const ANSWERS: TableColumn<Answer>[] = [
  { head: "Explanation", cell: ({ id }) => <RefLink to={`explanation:${id}`} bare /> },
  { head: "Score", align: "end", cell: ({ score }) => <Num value={score} /> },
  { head: "Background mean", align: "end", cell: ({ base }) => <Num value={base} /> },
  { head: "Made", grow: true, cell: ({ made_at }) => <Time at={made_at} /> },
];

function Explained({ model, at }: { model: string; at: string | undefined }) {
  const explanations = useQuery(explanationsQuery(model, at));
  const { data: answers = [] } = useQuery(answersQuery(model, at));
  const newest = explanations.data?.[0];
  return (
    <>
      <Section
        title="Feature importance"
        note={newest && `rise of the squared error when an input is shuffled, ${count(newest.rows, "row")}`}
        aside={newest && <RefLink to={`explanation:${newest.id}`} />}
      >
        <Loaded
          query={explanations}
          empty={<p className="muted">{at ? "Nobody had explained it yet." : "Nobody has explained it yet."}</p>}
        >
          {([first]) => first && <Importances explanation={first} />}
        </Loaded>
      </Section>
      {answers.length > 0 && (
        <Section title="Explained predictions" note={answers.length}>
          <Table label="Explanations of single answers" columns={ANSWERS} rows={answers} rowKey={({ id }) => id} />
        </Section>
      )}
    </>
  );
}
