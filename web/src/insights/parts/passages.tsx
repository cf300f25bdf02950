import { date, time } from "../../kernel/time";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { span } from "../cases";
import type { Passage } from "../queries";

const HOUR = 3_600_000;

/** Lead time by version from its data to production, in stretches that can be compared by length. */
export function Passages({ passages }: { passages: readonly Passage[] }) {
  const longest = Math.max(
    1,
    ...passages.map((passage) => stretches(passage).reduce((sum, { hours }) => sum + hours, 0)),
  );
  const columns: readonly TableColumn<Passage>[] = [
    { head: "Version", cell: ({ version }) => <RefLink to={version} bare /> },
    { head: "Data delivered", cell: ({ delivered_at }) => (delivered_at ? date(delivered_at) : "–") },
    {
      head: "Data to production",
      grow: true,
      minor: true,
      cell: (passage) => (
        <span className="way" aria-hidden>
          {stretches(passage).map(({ name, hours }) => (
            <span
              key={name}
              data-stretch={name}
              title={`${name}: ${span(hours)}`}
              style={{ width: hours > 0 ? `max(2px, ${(100 * hours) / longest}%)` : 0 }}
            />
          ))}
        </span>
      ),
    },
    ...(["trained", "approved", "live"] as const).map((name) => ({
      head: <span className={`way-head way-${name}`}>{HEADS[name]}</span>,
      align: "end" as const,
      cell: (passage: Passage) => span(stretches(passage).find((one) => one.name === name)?.hours),
    })),
    { head: "Outcome", cell: (passage) => <Outcome {...passage} /> },
  ];
  return <Table label="Lead time by version" columns={columns} rows={passages} rowKey={({ version }) => version} />;
}

const HEADS = { trained: "Trained in", approved: "Approved in", live: "Live in" };
type Stretch = keyof typeof HEADS;

function stretches(passage: Passage): readonly { name: Stretch; hours: number }[] {
  const { delivered_at, registered_at, approved_at, live_at } = passage;
  const between = (name: Stretch, from?: string | null, to?: string | null) =>
    from && to ? [{ name, hours: Math.max(0, (time(to) - time(from)) / HOUR) }] : [];
  return [
    ...between("trained", delivered_at, registered_at),
    ...between("approved", registered_at, approved_at),
    ...between("live", approved_at ?? registered_at, live_at),
  ];
}

function Outcome({ live_at, taken_back_at }: Passage) {
  if (taken_back_at && live_at) {
    return <Status kind="bad" word={`rolled back after ${span((time(taken_back_at) - time(live_at)) / HOUR)}`} />;
  }
  return live_at ? <Status kind="ok" word={`live ${date(live_at)}`} /> : <Status kind="waiting" word="not live yet" />;
}
