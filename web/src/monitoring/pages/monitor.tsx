import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { exact } from "../../kernel/time";
import { choice, query, text, useAt, useParam, useUrlState } from "../../kernel/url";
import { AsOfPicker } from "../../ui/as-of";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Time } from "../../ui/time";
import { INBOX } from "../filters";
import { HeatSection } from "../parts/heat";
import { KindStats } from "../parts/kind-stats";
import { PerformanceSection } from "../parts/performance";
import { ReactionTable } from "../parts/reactions";
import { Silences } from "../parts/silences";
import { useMonitorVerbs } from "../parts/verbs";
import { Watched } from "../parts/watched";
import { type MonitorState, storyQuery } from "../queries";
import { verdict } from "../verdict";
import { windowName } from "../words";
import "../monitoring.css";

export const MONITOR = {
  kind: choice("drift", "quality", "performance", "coverage"),
  feature: text(),
  test: text(),
  window: text(),
  draw: choice("shares", "cumulative"),
};

/** What drifted, and does it matter? */
export function MonitorPage() {
  const name = useParam("monitor");
  const project = useProject();
  const [view, set] = useUrlState(MONITOR);
  const [at, setAt] = useAt();
  const story = useQuery(storyQuery(name, at));
  const { actions, dialog } = useMonitorVerbs(story.data?.state, view.kind === "drift" ? view.feature : "");
  return (
    <Page
      title={name}
      crumbs={[{ text: "Monitors", to: `/${project}/monitors` }]}
      lead={story.data && <Lead state={story.data.state} past={at !== undefined} />}
      actions={
        <>
          <AsOfPicker at={at} onChange={setAt} from={story.data?.state.monitor.created_at} />
          {actions}
        </>
      }
    >
      <Loaded query={story} skeleton={<Skeleton lines={12} />}>
        {({ state, reactions, silences }) =>
          state.last ? (
            <>
              {at !== undefined && <Then at={at} onNow={() => setAt(undefined)} />}
              <KindStats state={state} at={at} />
              <HeatSection at={at} monitor={name} kinds={state.kinds} view={view} onView={set} />
              <PerformanceSection at={at} monitor={name} state={state} />
              <Section title="Reactions" note={reactions.length}>
                <ReactionTable rows={reactions} />
              </Section>
              <div className="grid">
                <Silences silences={silences} />
                <Watched monitor={state.monitor} />
              </div>
            </>
          ) : (
            <>
              {at !== undefined && <Then at={at} onNow={() => setAt(undefined)} />}
              <Empty
                title={at === undefined ? "No windows measured yet" : "No window had been measured by then"}
                command={`ostinato monitors measure ${name} --start 2013-01-01T00:00:00Z --end 2013-02-01T00:00:00Z`}
              >
                Measure one by the buttons above, by the command, or have a schedule do it.
              </Empty>
              <Watched monitor={state.monitor} />
            </>
          )
        }
      </Loaded>
      {dialog}
    </Page>
  );
}

/** Says what the page knows of that day, and what only of the present. */
function Then({ at, onNow }: { at: string; onNow: () => void }) {
  return (
    <p className="monitor-then" role="status">
      <span>
        As of <strong>{exact(at).replace(":00 UTC", " UTC")}</strong>: the windows that were measured by then, and what
        they set off. Findings, silences and settings are those of now.
      </span>
      <Button small onClick={onNow}>
        Back to now
      </Button>
    </p>
  );
}

interface LeadProps {
  state: MonitorState;
  past: boolean;
}

function Lead({ state, past }: LeadProps) {
  const { monitor, last, measured_at, kinds, open_findings: open } = state;
  const project = useProject();
  return (
    <>
      {last && (
        <span className="monitor-verdict">
          {windowName(last)}: {verdict(kinds)}
        </span>
      )}
      <span className="muted">
        Watches <RefLink to={`endpoint:${monitor.endpoint}`} />
        {last && (
          <>
            , last measured <Time at={measured_at} /> by{" "}
            <RefLink to={`window:${last.id}`}>window {windowName(last)}</RefLink>
          </>
        )}
        .{" "}
        {open > 0 && !past && (
          <Link to={`/${project}/findings${query(INBOX, { monitor: monitor.name })}`}>
            {count(open, "open finding")}
          </Link>
        )}
      </span>
    </>
  );
}
