import { duration, exact, now, time } from "../../kernel/time";
import { Section } from "../../ui/card";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Table } from "../../ui/table";
import type { Rollout } from "../words";

/** When it waited, because of whom and why, and what was seen meanwhile. */
export function Pauses({ rollout: { pauses = [], evidence } }: { rollout: Rollout }) {
  if (pauses.length === 0) return null;
  const last = evidence?.scored ?? 0;
  return (
    <Section title="Pauses" note={pauses.length}>
      <Table
        label="Pauses"
        rows={pauses.toReversed()}
        rowKey={({ since }) => since}
        marked={({ until }) => until === null}
        columns={[
          { head: "From", cell: ({ since }) => <span className="num">{exact(since)}</span> },
          {
            head: "For",
            align: "end",
            cell: ({ since, until }) => duration((until ? time(until) : now()) - time(since)),
          },
          {
            head: "Scored while paused",
            align: "end",
            cell: ({ scored, until_scored }) => <Num value={(until_scored ?? last) - scored} />,
          },
          {
            head: "Reason",
            cell: ({ by, reason }) => (
              <>
                <RefLink to={by} />: {reason}
              </>
            ),
          },
          {
            head: "Resumed",
            grow: true,
            cell: ({ until, ended_by, note }) =>
              until && ended_by ? (
                <>
                  by <RefLink to={ended_by} />
                  {note && `: ${note}`}
                </>
              ) : (
                <span className="muted">not yet</span>
              ),
          },
        ]}
      />
    </Section>
  );
}
