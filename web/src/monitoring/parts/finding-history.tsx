import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Schema } from "../../kernel/api/types";
import { count, interval, significant } from "../../kernel/number";
import { date } from "../../kernel/time";
import { Section } from "../../ui/card";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { type Finding, historyQuery } from "../queries";
import { change, measureOf, windowName } from "../words";
import { FindingState } from "./finding-state";

type Happening = Schema<"Happening">;

/** Who did what about a finding, when and why; and the windows in which the same was found. */
export function FindingHistory({ finding }: { finding: Finding }) {
  const history = useQuery(historyQuery(finding.id));
  return (
    <Loaded query={history} skeleton={<Skeleton lines={4} />}>
      {({ happenings, others }) => (
        <>
          <Section title="History" note={happenings.length}>
            <ol className="happenings">
              {happenings.map((happening, i) => (
                <li key={`${happening.at} ${i}`}>
                  <Time at={happening.at} />
                  <span>
                    <RefLink to={happening.by} /> {told(happening)}
                    {happening.text && happening.what !== "reacted" && <q>{happening.text}</q>}
                  </span>
                </li>
              ))}
            </ol>
          </Section>
          <Elsewhere finding={finding} others={others} />
        </>
      )}
    </Loaded>
  );
}

function told({ what, text, ref, until }: Happening): ReactNode {
  switch (what) {
    case "raised":
      return "raised it";
    case "acknowledged":
      return "acknowledged it: ";
    case "commented":
      return "said: ";
    case "silenced":
      return `silenced such findings until ${until ? date(until) : "their end"}: `;
    case "silence_ended":
      return "ended a silence of such findings: ";
    default:
      return (
        <>
          reacted: {text}
          {ref && (
            <>
              {" "}
              (<RefLink to={ref} bare={ref.startsWith(`${text}:`)} />)
            </>
          )}
        </>
      );
  }
}

function Elsewhere({ finding, others }: { finding: Finding; others: readonly Finding[] }) {
  const { test } = finding.measurement;
  if (others.length === 0) return <p className="muted">The same was found in no other window of {finding.monitor}.</p>;
  return (
    <Section title="Same test in other windows" note={count(others.length, "finding")}>
      <Table
        label={`Same test in other windows: ${measureOf(test)}`}
        rows={others}
        rowKey={({ id }) => id}
        columns={[
          {
            head: "Window",
            cell: ({ window, start, end }) => (
              <RefLink to={`window:${window}`}>{windowName({ key: "", start, end })}</RefLink>
            ),
          },
          { head: "From, to", align: "end", cell: ({ measurement }) => change(measurement) || "–" },
          {
            head: measureOf(test),
            align: "end",
            cell: ({ measurement: { effect, low, high } }) => `${significant(effect, 2)} ${interval(low, high)}`,
          },
          { head: "State", cell: (other) => <FindingState finding={other} link short /> },
          {
            head: "Action",
            grow: true,
            cell: ({ note, handled_by }) =>
              handled_by ? (
                <>
                  <RefLink to={handled_by} />: {note}
                </>
              ) : (
                <span className="muted">nothing yet</span>
              ),
          },
        ]}
      />
    </Section>
  );
}
