import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { full, interval, percent } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { duration, exact, now, time } from "../../kernel/time";
import { useParam } from "../../kernel/url";
import { Section } from "../../ui/card";
import { Facts, Stats } from "../../ui/facts";
import { Id } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Status } from "../../ui/status";
import { crossedAt } from "../course";
import { Answers } from "../parts/answers";
import { Course } from "../parts/course";
import { Looks } from "../parts/looks";
import { Pauses } from "../parts/pauses";
import { Score } from "../parts/score";
import { Towards } from "../parts/under-way";
import { Acts } from "../parts/verbs";
import { Watched } from "../parts/watched";
import { endpointQuery, rolloutQuery } from "../queries";
import { isUnderWay, short, stateOf, verdictOf } from "../words";
import "../serving.css";

type Story = Schema<"RolloutStory">;

/** Why was it promoted, or rolled back? */
export function RolloutPage() {
  const id = useParam("rollout");
  const project = useProject();
  const story = useQuery(rolloutQuery(id));
  const rollout = story.data?.rollout;
  const endpoint = useQuery({
    ...endpointQuery(rollout?.endpoint ?? ""),
    enabled: rollout !== undefined && isUnderWay(rollout),
  });
  const crumbs = [
    { text: "Endpoints", to: `/${project}/endpoints` },
    ...(rollout
      ? [
          { text: rollout.endpoint, to: `/${project}/endpoints/${rollout.endpoint}` },
          { text: "Rollouts", to: `/${project}/endpoints/${rollout.endpoint}?tab=rollouts` },
        ]
      : []),
  ];
  const title = rollout ? `${short(rollout.candidate)} over ${short(rollout.stable)}` : "Rollout";
  const heading = rollout && (
    <>
      {title} <Status {...stateOf(rollout)} badge />
    </>
  );
  const running = rollout && isUnderWay(rollout) && endpoint.data?.rollout === rollout.id ? endpoint.data : undefined;
  return (
    <Page title={title} {...(heading && { heading })} crumbs={crumbs} actions={running && <Acts endpoint={running} />}>
      <Loaded query={story} skeleton={<Skeleton height={480} />}>
        {(found) => (
          <>
            <Verdict story={found} />
            <Course story={found} />
            <Watched rollout={found.rollout} />
            <Answers rollout={found.rollout} />
            <Pauses rollout={found.rollout} />
            <Looks rollout={found.rollout} />
            <Plan story={found} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** The sentence first, then the numbers that it stands on. */
function Verdict({ story }: { story: Story }) {
  const { rollout, roll_back_at, to_promote, to_roll_back, counted, undecided_at } = story;
  const seen = rollout.evidence;
  const crossed = seen && crossedAt(seen, roll_back_at);
  const begun = rollout.steps.at(-1)?.pairs ?? 0;
  return (
    <div className="serving-verdict" data-kind={stateOf(rollout).kind}>
      <p className="serving-sentence">{verdictOf(story.sentence)}</p>
      <Stats
        items={[
          {
            label: "E-value",
            value: <Num value={seen?.e_value} />,
            note: crossed
              ? `limit ${full(roll_back_at)}, first crossed at request ${full(crossed)}`
              : `rolls back at ${full(roll_back_at)}`,
          },
          {
            label: "Squared error, difference",
            value: <Score value={seen?.harm} signed />,
            note: seen && `in ${interval(seen.low, seen.high)}, margin +${full(rollout.plan.margin)}`,
          },
          {
            label: "Score shift",
            value: <Score value={seen?.shift} signed />,
            note: rollout.plan.max_shift === null ? "free" : `limit ±${full(rollout.plan.max_shift)}`,
          },
          {
            label: "Requests",
            value: <Num value={seen?.scored} />,
            note: <Num value={seen?.pairs} unit="labelled" />,
          },
          {
            label: rollout.ended_at ? "Duration" : "Running for",
            value: lasted((rollout.ended_at ? time(rollout.ended_at) : now()) - time(rollout.started_at)),
            note: `${percent(rollout.steps.at(-1)?.weight ?? 0, 0)} of traffic${rollout.ended_at ? " at the end" : ""}`,
          },
        ]}
      />
      {isUnderWay(rollout) && (
        <div className="serving-meters">
          <Towards label="Evidence to promote" share={to_promote} kind="ok" />
          <Towards label="Evidence to roll back" share={to_roll_back} kind="bad" />
          <Count label="Requests before the next step" count={counted - begun} of={rollout.plan.min_requests} />
          <Count label="Until it ends as inconclusive" count={counted} of={undecided_at} />
        </div>
      )}
    </div>
  );
}

function Count({ label, count, of }: { label: string; count: number; of: number }) {
  const done = Math.min(count, of);
  return <Towards label={label} share={done / of} kind="idle" said={`${full(done)} of ${full(of)}`} />;
}

function Plan({ story: { rollout } }: { story: Story }) {
  const { plan, steps } = rollout;
  return (
    <Section title="Plan">
      <Facts
        items={[
          ["Rollout", <Id key="id" value={rollout.id} what="rollout id" />],
          ["Candidate", <RefLink key="c" to={rollout.candidate} bare />],
          ["Stable", <RefLink key="s" to={rollout.stable} bare />],
          [
            "Started",
            <span key="b">
              {exact(rollout.started_at)} by <RefLink to={rollout.started_by} />
            </span>,
          ],
          ["Ended", rollout.ended_at ? exact(rollout.ended_at) : "not yet"],
          ["Strategy", `${plan.strategy}, ${steps.map(({ weight }) => percent(weight, 0)).join(" → ")} reached`],
          ["Significance level", `at most ${percent(plan.alpha, 0)} at any number of analyses`],
          ["Step length", `at least ${full(plan.min_requests)} ${plan.labels ? "labelled requests" : "requests"}`],
          ["Inconclusive after", `${full(plan.max_requests)}: ${plan.on_inconclusive}`],
        ]}
      />
    </Section>
  );
}

/** A rollout goes on for days. */
function lasted(ms: number): string {
  return ms < 1000 ? "less than 1 s" : duration(ms);
}
