import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count, percent, short } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { exact } from "../../kernel/time";
import { choice, query, text, useParam, useUrlState } from "../../kernel/url";
import { Card, Section } from "../../ui/card";
import { Facts, Stats } from "../../ui/facts";
import { Id } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Time } from "../../ui/time";
import { INBOX } from "../filters";
import { FindingState } from "../parts/finding-state";
import { Measured } from "../parts/measured";
import { Measurements } from "../parts/measurements";
import { ReactionTable } from "../parts/reactions";
import { Verdict } from "../parts/told";
import { findingsOfQuery, type Measurement, reactionsQuery, type Window, windowQuery } from "../queries";
import { falseAlarms, KINDS, subject, windowName } from "../words";
import "../monitoring.css";

const WINDOW = {
  kind: choice("any", "drift", "quality", "performance", "coverage"),
  sort: text("-reach"),
  /** `kind test feature` of the measurement that is open. */
  measured: text(),
  draw: choice("shares", "cumulative"),
};

/** What was measured in this window, and what followed? */
export function WindowPage() {
  const id = useParam("window");
  const project = useProject();
  const window = useQuery(windowQuery(id));
  const name = window.data ? windowName(window.data) : "Window";
  const crumbs = [
    { text: "Monitors", to: `/${project}/monitors` },
    ...(window.data ? [{ text: window.data.monitor, to: `/${project}/monitors/${window.data.monitor}` }] : []),
  ];
  return (
    <Page
      title={window.data ? `${name} · ${window.data.monitor}` : name}
      heading={`Window ${name}`}
      crumbs={crumbs}
      lead={window.data && <Lead window={window.data} />}
    >
      <Loaded query={window} skeleton={<Skeleton lines={12} />}>
        {(found) => (
          <>
            <Numbers window={found} />
            <Tests window={found} />
            <Followed window={found} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Lead({ window: { monitor, start, end, measured_at } }: { window: Window }) {
  return (
    <>
      Predictions from {exact(start).slice(0, 16)} up to {exact(end).slice(0, 16)} UTC, measured by{" "}
      <RefLink to={`monitor:${monitor}`} /> <Time at={measured_at} />.
    </>
  );
}

function Numbers({ window: { rows, labelled, measurements, versions, id } }: { window: Window }) {
  const project = useProject();
  const alarms = measurements.filter(({ alarm }) => alarm).length;
  const answered = Object.entries(versions);
  return (
    <Stats
      items={[
        {
          label: "Alarms",
          value: (
            <span className="monitor-stat" data-kind={alarms ? "bad" : undefined}>
              {alarms}
              <span className="monitor-of"> of {measurements.length}</span>
            </span>
          ),
          note: alarms > 0 && (
            <Link to={`/${project}/findings${query(INBOX, { window: id, state: "all" })}`}>view findings</Link>
          ),
        },
        {
          label: "Predictions",
          value: short(rows),
          note: answered.map(([v, n]) => `version ${v}: ${short(n)}`).join(", "),
        },
        { label: "Labelled", value: rows ? percent(labelled / rows) : "–", note: count(labelled, "label") },
      ]}
    />
  );
}

function key({ kind, test, feature }: Measurement): string {
  return `${kind} ${test} ${feature}`;
}

/** All measurements, the furthest beyond its tolerance first, and the one that is open beside them. */
function Tests({ window }: { window: Window }) {
  const [{ kind, sort, measured, draw }, set] = useUrlState(WINDOW);
  const open = window.measurements.find((m) => key(m) === measured);
  const findings = useQuery(findingsOfQuery(window.id));
  const finding = open && findings.data?.find(({ measurement }) => key(measurement) === measured);
  return (
    <Section title="Measurements" note={window.measurements.length}>
      <div className="window-tests" data-open={open ? true : undefined}>
        <Measurements
          measurements={window.measurements}
          {...{ kind, sort, open: measured }}
          onKind={(next) => set({ kind: next })}
          onSort={(next) => set({ sort: next ?? "" })}
          onOpen={(m) => set({ measured: key(m) })}
          rowKey={key}
        />
        {open && (
          <section className="monitor-cell" aria-label="The open measurement">
            <header>
              <h3>{subject(open)}</h3>
              {finding ? <FindingState finding={finding} link /> : <Verdict measured={open} />}
            </header>
            <Measured
              key={measured}
              {...{ window, measured: open }}
              monitor={window.monitor}
              drawing={draw}
              onDrawing={(next) => set({ draw: next })}
            />
          </section>
        )}
      </div>
    </Section>
  );
}

function Followed({ window }: { window: Window }) {
  const reactions = useQuery(reactionsQuery(window.id));
  const alarms = window.measurements.filter(({ alarm }) => alarm).length;
  const mark = { ...window, alarms };
  const rates = Object.entries(window.any_false_alarm) as [keyof typeof KINDS, Window["any_false_alarm"][string]][];
  return (
    <>
      <Section title="Reactions">
        <Loaded query={reactions}>
          {(found) => <ReactionTable rows={found.map((reaction) => ({ window: mark, reaction }))} ofOne />}
        </Loaded>
      </Section>
      <div className="grid">
        <Card title="False-alarm rates on unchanged data">
          <Facts items={rates.map(([kind, rate]) => [KINDS[kind], `at least one in ${falseAlarms(rate)}`])} />
        </Card>
        <Card title="Method">
          <Facts
            items={[
              ["Window", <Id key="id" value={window.id} what="window id" />],
              ["Reference", <Id key="reference" value={window.reference} what="digest of the reference" />],
              ["False alarms", window.measurements[0]?.measured ?? "nothing could be measured"],
              [
                "Undecided",
                window.undecided.length ? <Undecided key="undecided" said={window.undecided} /> : "nothing",
              ],
            ]}
          />
        </Card>
      </div>
    </>
  );
}

function Undecided({ said }: { said: readonly string[] }) {
  return (
    <ul>
      {said.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
