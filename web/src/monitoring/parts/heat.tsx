import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Section } from "../../ui/card";
import { HeatGrid } from "../../ui/heat-grid";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Segments } from "../../ui/tabs";
import { findingsOfQuery, type HeatMap, heatQuery, type Kind, type MonitorState, windowQuery } from "../queries";
import { firstCell } from "../verdict";
import { falseAlarms, KINDS, measureOf, reach, subject, windowLabel, windowName } from "../words";
import { FindingState } from "./finding-state";
import { Measured } from "./measured";
import type { Drawing } from "./then-and-now";
import { Verdict } from "./told";

/** What the address says of the map: which kind, and the cell that is open. */
export interface HeatView {
  kind: Kind;
  feature: string;
  test: string;
  window: string;
  draw: Drawing;
}

interface HeatSectionProps {
  monitor: string;
  at: string | undefined;
  kinds: MonitorState["kinds"];
  view: HeatView;
  onView: (changes: Partial<HeatView>) => void;
}

const KIND_ITEMS = (["drift", "quality", "performance", "coverage"] as const).map((value) => ({
  value,
  text: KINDS[value],
}));
/** The last colour: so many times the tolerance. */
const TOP = 5;

export function HeatSection({ monitor, at, kinds, view, onView }: HeatSectionProps) {
  const heat = useQuery(heatQuery(monitor, view.kind, at));
  const rate = kinds.find(({ kind }) => kind === view.kind)?.any_false_alarm;
  const onKind = (kind: Kind) => onView({ kind, feature: "", test: "" });
  return (
    <Section
      title="Features by window"
      aside={<Segments label="Kind of test" items={KIND_ITEMS} value={view.kind} onChange={onKind} />}
    >
      {rate && (
        <p className="monitor-rate">
          At least one {KINDS[view.kind].toLowerCase()} test of a window alarms in {falseAlarms(rate)}.
        </p>
      )}
      <Loaded
        query={heat}
        skeleton={<Skeleton height={480} />}
        isEmpty={({ lines }) => lines.length === 0}
        empty={<p className="muted">No test of this kind was run in these windows.</p>}
      >
        {(map) => <HeatAndCell at={at} monitor={monitor} heat={map} view={view} onView={onView} />}
      </Loaded>
    </Section>
  );
}

interface HeatAndCellProps extends Omit<HeatSectionProps, "kinds"> {
  heat: HeatMap;
}

function HeatAndCell({ monitor, at, heat, view, onView }: HeatAndCellProps) {
  const { lines, windows } = heat;
  const opened = useMemo(() => openedCell(heat, view), [heat, view]);
  const rows = useMemo(
    () =>
      lines.map(({ feature, test }) => {
        const name = subject({ kind: heat.kind, feature, test });
        const several = lines.some((line) => line.feature === feature && line.test !== test);
        const full = several && heat.kind !== "performance" ? `${name}, ${measureOf(test)}` : name;
        return { key: `${feature} ${test}`, name: full, label: <span title={full}>{full}</span> };
      }),
    [lines, heat.kind],
  );
  const columns = useMemo(() => windows.map((mark) => ({ key: mark.id, label: windowLabel(mark) })), [windows]);
  const cell = (i: number, j: number) => {
    const [line, mark] = [lines[i], windows[j]];
    const found = line?.cells[j];
    if (!line || !mark || !found) return { value: null };
    const effect = found.effect ?? null;
    return {
      value: effect === null ? null : reach({ effect, tolerance: line.tolerance ?? 0 }),
      significant: found.significant,
      alarm: found.alarm,
      thin: found.state === "few",
      title: `${windowName(mark)}: ${found.sentence}`,
    };
  };
  const open = (i: number, j: number) =>
    onView({ feature: lines[i]?.feature ?? "", test: lines[i]?.test ?? "", window: windows[j]?.id ?? "" });
  const line = opened && lines[opened[0]];
  const mark = opened && windows[opened[1]];
  return (
    <div className="monitor-heat">
      <HeatGrid
        label={`${KINDS[heat.kind]}: features by window`}
        {...{ rows, columns, cell, opened }}
        top={TOP}
        measure="effect in tolerances"
        alarm="alarm: beyond its tolerance as well"
        onOpen={open}
      />
      {line && mark && <Cell {...{ monitor, at, line, mark, view, onView }} kind={heat.kind} />}
    </div>
  );
}

/** Where the cell that the address names lies; without a name, the one to begin with. */
function openedCell(heat: HeatMap, { feature, test, window }: HeatView): readonly [number, number] | undefined {
  const row = heat.lines.findIndex((line) => line.feature === feature && line.test === test);
  const column = heat.windows.findIndex(({ id }) => id === window);
  if (row < 0) {
    const first = firstCell(heat);
    return first && column >= 0 ? [first[0], column] : first;
  }
  return [row, column < 0 ? heat.windows.length - 1 : column];
}

interface CellProps extends Pick<HeatSectionProps, "monitor" | "at" | "view" | "onView"> {
  kind: Kind;
  line: HeatMap["lines"][number];
  mark: HeatMap["windows"][number];
}

/** The open cell: what was measured, the feature then and now, and what was done about it. */
function Cell({ monitor, at, kind, line: { feature, test, cells }, mark, view, onView }: CellProps) {
  const window = useQuery(windowQuery(mark.id));
  const findings = useQuery(findingsOfQuery(mark.id));
  const isThis = (m: { kind: Kind; feature: string; test: string }) =>
    m.kind === kind && m.feature === feature && m.test === test;
  const finding = findings.data?.find(({ measurement }) => isThis(measurement));
  return (
    <section className="monitor-cell" aria-label="The open cell">
      <header>
        <h3>{subject({ kind, feature, test })}</h3>
        <RefLink to={`window:${mark.id}`}>{windowName(mark)}</RefLink>
        {finding && <FindingState finding={finding} link />}
      </header>
      <Loaded query={window} skeleton={<Skeleton height={360} />}>
        {({ measurements }) => {
          const measured = measurements.find(isThis);
          if (!measured) return <p className="muted">{cells[0] ? "Not measured in this window." : ""}</p>;
          return (
            <>
              {!measured.alarm && <Verdict measured={measured} />}
              <Measured
                {...{ monitor, at, window: mark, measured }}
                drawing={view.draw}
                onDrawing={(draw) => onView({ draw })}
              />
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
