import { useMemo } from "react";
import { interval, significant } from "../../kernel/number";
import type { Column } from "../../ui/data-table/columns";
import { DataTable } from "../../ui/data-table/data-table";
import { Interval } from "../../ui/num";
import { Segments } from "../../ui/tabs";
import type { Kind, Measurement } from "../queries";
import { change, KINDS, measureOf, reach, subject } from "../words";
import { EffectBar } from "./effect-bar";
import { Verdict } from "./told";

type AnyKind = Kind | "any";

interface MeasurementsProps {
  measurements: readonly Measurement[];
  kind: AnyKind;
  sort: string;
  open: string;
  onKind: (kind: AnyKind) => void;
  onSort: (sort: string | undefined) => void;
  onOpen: (measured: Measurement) => void;
  rowKey: (measured: Measurement) => string;
}

const KIND_ITEMS = [
  { value: "any", text: "All" },
  ...(["drift", "quality", "performance", "coverage"] as const).map((value) => ({ value, text: KINDS[value] })),
] as const;

const COLUMNS: Column<Measurement>[] = [
  {
    id: "test",
    head: "Measure",
    width: 170,
    minor: true,
    cell: (m) => measureOf(m.test),
    sort: (m) => measureOf(m.test),
  },
  {
    id: "reach",
    head: "Effect in tolerances",
    width: 150,
    minor: true,
    cell: (m) => <EffectBar measured={m} />,
    sort: reach,
  },
  {
    id: "effect",
    head: "Effect",
    width: 200,
    minor: true,
    align: "end",
    cell: (m) => <Interval value={m.effect} low={m.low} high={m.high} digits={2} />,
    sort: (m) => m.effect,
  },
  { id: "change", head: "Then → now", width: 130, minor: true, align: "end", cell: (m) => change(m) },
  {
    id: "p",
    head: "Corrected p",
    width: 116,
    minor: true,
    align: "end",
    cell: (m) => significant(m.corrected_p, 2),
    sort: (m) => m.corrected_p,
  },
  { id: "alarm", head: "Verdict", width: 110, cell: (m) => <Verdict measured={m} />, sort: (m) => (m.alarm ? 1 : 0) },
];
/** The feature; the one that is shown beside stands out. */
function named(isOpen: (measured: Measurement) => boolean): Column<Measurement> {
  return {
    id: "name",
    head: "Feature",
    width: 140,
    grow: true,
    cell: (m) => (
      <>
        <span className={isOpen(m) ? "window-opened" : undefined}>{subject(m)}</span>
        <span className="window-measure">
          {measureOf(m.test)} {significant(m.effect, 2)} {interval(m.low, m.high)}
        </span>
      </>
    ),
    sort: subject,
  };
}

/** What does not fit where another column stands beside. */
const BESIDE = ["effect", "change", "p"];

export function Measurements(props: MeasurementsProps) {
  const { measurements, kind, sort, open, onKind, onSort, onOpen, rowKey } = props;
  const columns = useMemo(() => [named((m) => rowKey(m) === open), ...COLUMNS], [open, rowKey]);
  const rows = useMemo(() => measurements.filter((m) => kind === "any" || m.kind === kind), [measurements, kind]);
  return (
    <div className="window-list">
      <Segments label="Kind of test" items={KIND_ITEMS} value={kind} onChange={onKind} />
      <DataTable
        label="Measurements"
        columns={columns}
        rows={rows}
        rowKey={rowKey}
        sort={sort}
        onSort={onSort}
        onOpen={onOpen}
        maxHeight="70vh"
        {...(open && { hidden: BESIDE })}
      />
    </div>
  );
}
