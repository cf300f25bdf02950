import type { Schema } from "../../kernel/api/types";
import { Interval } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { said } from "../../ui/report/words";
import { Status, Tag } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { GateStrip } from "./gate-strip";
import { CHAMPION, kindOf, type VersionLine } from "./standing";
import { spanOf, Whiskers } from "./whisker";
import { VersionName, Words } from "./words";

interface VersionsProps {
  versions: readonly VersionLine[];
  metric: string;
  empty?: string;
}

/** Every version with its gates, a metric on one axis, and who decided what. */
export function Versions({ versions, metric, empty }: VersionsProps) {
  const span = spanOf(versions.map((line) => line.metrics[metric]));
  const columns: TableColumn<VersionLine>[] = [
    { head: "Version", cell: (line) => <VersionName to={line.ref} aliases={line.aliases} /> },
    {
      head: "State",
      cell: (line) => (
        <span className="row">
          <Status kind={kindOf(line.state)} word={line.state} />
          {line.deprecated && <Tag text="deprecated" />}
        </span>
      ),
    },
    { head: "Gates", cell: (line) => <GateStrip check={line.check} /> },
    {
      head: said(metric),
      minor: true,
      cell: (line) => (
        <Whiskers width={180} span={span} marks={[{ of: line.ref, estimate: line.metrics[metric], look: "ours" }]} />
      ),
    },
    {
      head: said(metric),
      quiet: true,
      align: "end",
      cell: (line) => <Value {...line.metrics[metric]} />,
    },
    {
      head: "Registered",
      cell: (line) => (
        <>
          <Time at={line.registered_at} /> <span className="muted">by</span> <RefLink to={line.author} bare />
        </>
      ),
    },
    { head: "Decided", minor: true, grow: true, cell: (line) => <Decided decision={line.decisions.at(-1)} /> },
  ];
  return (
    <Table
      label="Every version"
      columns={columns}
      rows={versions}
      rowKey={(line) => line.ref}
      marked={(line) => line.aliases.includes(CHAMPION)}
      empty={empty ?? "No version was registered until then."}
    />
  );
}

function Value({ value, low, high }: Partial<Schema<"Estimate">>) {
  return <Interval value={value} low={low} high={high} />;
}

function Decided({ decision }: { decision: Schema<"Decision"> | undefined }) {
  if (!decision) return <span className="muted">–</span>;
  return (
    <span className="model-decided" title={decision.reason}>
      {said(decision.kind).toLowerCase()} by <RefLink to={decision.by} />{" "}
      <span className="muted">
        <Words text={decision.reason} />
      </span>
    </span>
  );
}
