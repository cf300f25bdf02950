import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { count } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { choice, list, text, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { LinkButton } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { shortId } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { arrangement } from "../parts/arrange";
import { Between } from "../parts/between";
import { CURVE_FIELDS } from "../parts/curve-tools";
import { Differences } from "../parts/differences";
import { LINES, Overlay } from "../parts/overlay";
import { Relations } from "../parts/relations";
import { Same } from "../parts/same";
import { type Comparison, comparisonQuery, type Run } from "../queries";
import "../compare.css";
import "../tracking.css";

const FIELDS = {
  ids: list(),
  sort: text(),
  over: choice("step", "since", "time"),
  curve: text(),
  x: text(),
  y: text(),
  of: choice("these", "all"),
  brush: list(),
  a: text(),
  b: text(),
  ...CURVE_FIELDS,
};

/** What made the difference? */
export function ComparePage() {
  const project = useProject();
  const [{ ids }] = useUrlState(FIELDS);
  const unique = useMemo(() => [...new Set(ids)], [ids]);
  const comparison = useQuery(comparisonQuery(unique));
  return (
    <Page
      title={unique.length > 1 ? `Compare ${unique.length} runs` : "Compare runs"}
      crumbs={[{ text: "Runs", to: `/${project}/runs` }]}
    >
      {unique.length < 2 ? (
        <Empty title="Nothing to compare yet" action={<LinkButton to={`/${project}/runs`}>Choose runs</LinkButton>}>
          Tick two or more runs in the table, then compare them.
        </Empty>
      ) : (
        <Loaded query={comparison}>{(found) => <Compared comparison={found} />}</Loaded>
      )}
    </Page>
  );
}

function Compared({ comparison }: { comparison: Comparison }) {
  const project = useProject();
  const [{ ids, sort, over, curve, x, y, of, brush, a, b, ...look }, set] = useUrlState(FIELDS);
  const { runs, differing, same } = comparison;
  const order = useMemo(() => arrangement(comparison, sort), [comparison, sort]);
  const drawn = useMemo(() => (runs.length > LINES ? [] : runs), [runs]);
  const colour = useCallback(
    (run: Run) => {
      const place = drawn.indexOf(run);
      return place < 0 ? undefined : place + 1;
    },
    [drawn],
  );
  const nameOf = useMemo(() => names(runs), [runs]);
  useVerbs(
    useMemo(
      () => [
        { label: "Compare over steps", run: () => set({ over: "step" }) },
        { label: "Compare since each run's start", run: () => set({ over: "since" }) },
        { label: "Do not smooth the curves", run: () => set({ smooth: 0 }) },
      ],
      [set],
    ),
  );
  return (
    <div className="stack">
      <Section title="Side by side" note={`${count(differing.length, "thing differs", "things differ")}`}>
        <Differences
          {...{ project, comparison, order, sort, colour }}
          onSort={(next) => set({ sort: next })}
          onRemove={(run) => set({ ids: ids.filter((id) => id !== run) })}
        />
        <Same same={same} />
      </Section>
      <Overlay
        {...{ comparison, drawn, nameOf, over }}
        onOver={(next) => set({ over: next })}
        look={look}
        onLook={set}
        curve={curve}
        onCurve={(next) => set({ curve: next })}
      />
      <Relations {...{ comparison, x, y, of, brush, nameOf, colour }} onPick={set} />
      <Between {...{ runs, nameOf, a, b }} onPick={set} />
    </div>
  );
}

/** Runs by their names; those of the same name are told apart by their ids. */
function names(runs: readonly Run[]): (run: Run) => string {
  const known = new Set<string>();
  const twice = new Set(runs.map(({ name }) => name).filter((name) => known.size === known.add(name).size));
  return ({ name, id }) => (twice.has(name) ? `${name} ${shortId(id)}` : name);
}
