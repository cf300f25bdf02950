import { useQuery } from "@tanstack/react-query";
import { Columns3, GitCompareArrows } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { ApiError } from "../../kernel/api/errors";
import { full } from "../../kernel/number";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { query, useUrlState } from "../../kernel/url";
import { useVerbs } from "../../kernel/verbs";
import { Button, LinkButton } from "../../ui/button";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { FilterBar } from "../../ui/filter-bar";
import { shortId } from "../../ui/id";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { RefLink } from "../../ui/ref-link";
import { Skeleton } from "../../ui/skeleton";
import { Segments } from "../../ui/tabs";
import { leading } from "../parts/cells";
import { ColumnPicker } from "../parts/column-picker";
import { compareAddress } from "../parts/compare-address";
import { ExperimentActs } from "../parts/experiment-acts";
import { Experiments } from "../parts/experiments";
import { NEWEST, RUNS_FIELDS } from "../parts/fields";
import { GroupBy } from "../parts/group-by";
import { Grouped } from "../parts/grouped";
import { askedOf, atFirst, levelOf } from "../parts/look";
import { deletingRuns } from "../parts/removal";
import { RunsTable } from "../parts/runs-table";
import { useTicks } from "../parts/ticks";
import { Views } from "../parts/views";
import { type Asked, experimentsQuery, indexQuery, type RunIndex } from "../queries";
import "../tracking.css";

const METRICS = 3;
const PARAMS = 2;

/** Which trial is best, honestly? */
export function RunsPage() {
  const project = useProject();
  const [state, set] = useUrlState(RUNS_FIELDS);
  const { experiment } = state;
  const experiments = useQuery(experimentsQuery);
  const [selected, onSelect] = useTicks(
    state.ids,
    useCallback((next: string[]) => set({ ids: next }), [set]),
  );
  const go = useCallback((next: string) => set({ ...atFirst(), experiment: next }, { push: true }), [set]);
  const ids = [...selected];
  return (
    <Page
      title={experiment ? `Runs of ${experiment}` : "Runs"}
      heading={experiment || "Runs"}
      {...(experiment && { crumbs: [{ text: "Runs", to: `/${project}/runs` }] })}
      actions={
        <>
          {ids.length > 0 && <Ticked ids={ids} clear={() => onSelect(new Set())} />}
          {experiment && <ExperimentActs name={experiment} go={go} />}
        </>
      }
    >
      <Loaded
        query={experiments}
        empty={
          <Empty title="No runs yet" command={"python -c 'import ostinato as ost; ost.open().run(\"first\").finish()'"}>
            A run is one try: its parameters, what it measured and what it left. Two lines in a program make one.
          </Empty>
        }
      >
        {(all) => (
          <div className="runs-layout">
            <Experiments
              all={all}
              chosen={experiment}
              to={(name) => `/${project}/runs${query(RUNS_FIELDS, { experiment: name, filter: state.filter })}`}
            />
            <Found {...{ state, set, selected, onSelect }} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

/** What can be done about the ticked runs. */
function Ticked({ ids, clear }: { ids: readonly string[]; clear: () => void }) {
  const project = useProject();
  const may = useMay("run:write");
  const confirm = useConfirm();
  const drop = () =>
    void confirm(
      deletingRuns(
        ids.map((id) => ({ id, name: shortId(id) })),
        clear,
      ),
    );
  return (
    <>
      <Button kind="quiet" onClick={clear}>
        Clear
      </Button>
      <Button kind="quiet" disabled={!may} title={may ? undefined : "needs run:write"} onClick={drop}>
        Delete {ids.length}
      </Button>
      {ids.length > 1 ? (
        <LinkButton kind="primary" to={compareAddress(project, ids)} icon={<GitCompareArrows aria-hidden />}>
          Compare {ids.length}
        </LinkButton>
      ) : (
        <Button disabled icon={<GitCompareArrows aria-hidden />} title="Tick a second run">
          Compare
        </Button>
      )}
    </>
  );
}

type State = ReturnType<typeof useUrlState<typeof RUNS_FIELDS>>;

interface FoundProps {
  state: State[0];
  set: State[1];
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
}

function Found({ state, set, selected, onSelect }: FoundProps) {
  const { experiment, filter, sort, parent, group, open } = state;
  const level = levelOf(state);
  const [picks, setPicks] = useState(false);
  const asked = useAsked(state);
  const wanted = useQuery(indexQuery(asked));
  const refused = wanted.error instanceof ApiError && wanted.error.field === "where" ? wanted.error : undefined;
  const [shown, setShown] = useState<{ asked: Asked; index: RunIndex }>();
  if (wanted.data && !wanted.isPlaceholderData && shown?.index !== wanted.data) setShown({ asked, index: wanted.data });
  const columns = useColumns(state.columns, shown?.index, experiment !== "" || parent !== "");
  useVerbs(
    useMemo(
      () => [
        { label: "Choose columns", run: () => setPicks(true) },
        { label: "Newest runs first", run: () => set({ sort: NEWEST }) },
        { label: "Show top-level runs only", run: () => set({ level: "whole" }) },
        { label: "Show child runs as well", run: () => set({ level: "all" }) },
      ],
      [set],
    ),
  );
  return (
    <div className="runs-found">
      <FilterBar
        label="Filter runs"
        placeholder="metrics.auc > 0.7 and params.depth = 5"
        value={filter}
        onChange={(next) => set({ filter: next })}
        {...(refused && { error: [refused.message, refused.hint].filter(Boolean).join("\n") })}
        note={shown && `${full(shown.index.total)} ${shown.index.total === 1 ? "run" : "runs"}`}
      >
        {!parent && (
          <Segments
            label="Which runs"
            items={LEVELS}
            value={level === "whole" ? "whole" : "all"}
            onChange={(next) => set({ level: next })}
          />
        )}
        <GroupBy index={shown?.index} value={group} onChange={(next) => set({ group: next, open: [] })} />
        <Views look={state} name={state.view} open={set} named={(view) => set({ view })} />
        <Button kind="quiet" icon={<Columns3 aria-hidden />} onClick={() => setPicks(true)}>
          Columns
        </Button>
      </FilterBar>
      {parent && (
        <p className="row muted">
          Child runs of <RefLink to={`run:${parent}`} />
          <Button small kind="quiet" onClick={() => set({ parent: "" })}>
            Show all
          </Button>
        </p>
      )}
      {wanted.error && !refused && <ErrorBox error={wanted.error} retry={() => void wanted.refetch()} />}
      {!shown && !wanted.error && <Skeleton lines={12} />}
      {shown && shown.index.total > 0 && group && (
        <Grouped
          asked={shown.asked}
          by={group}
          metric={columnMetric(sort, columns)}
          columns={columns}
          mixed={!shown.asked.experiment && !shown.asked.parent && group !== "experiment"}
          onSort={(next) => set({ sort: next ?? NEWEST })}
          {...{ selected, onSelect, open }}
          onOpen={(next) => set({ open: next })}
        />
      )}
      {shown && shown.index.total > 0 && !group && (
        <RunsTable
          key={JSON.stringify(shown.asked)}
          asked={shown.asked}
          index={shown.index}
          columns={columns}
          mixed={!shown.asked.experiment && !shown.asked.parent}
          onSort={(next) => set({ sort: next ?? NEWEST })}
          selected={selected}
          onSelect={onSelect}
        />
      )}
      {shown?.index.total === 0 && <Nothing level={level} set={set} />}
      {picks && shown && (
        <ColumnPicker
          index={shown.index}
          shown={columns}
          onChange={(next) => set({ columns: next })}
          onClose={() => setPicks(false)}
        />
      )}
    </div>
  );
}

/** The same as long as the address asks for the same. */
function useAsked({ experiment, parent, filter, sort, level }: State[0]): Asked {
  return useMemo(() => askedOf({ experiment, parent, filter, sort, level }), [experiment, parent, level, filter, sort]);
}

/** The metric of the order, else of the first column that is one. */
function columnMetric(sort: string, columns: readonly string[]): string | undefined {
  const found = [sort.replace(/^-/, ""), ...columns].find((what) => what.startsWith("metrics."));
  return found?.slice("metrics.".length);
}

const LEVELS = [
  { value: "whole", text: "Top level" },
  { value: "all", text: "With child runs" },
] as const;

/** The columns that were chosen; else, of one experiment, those that most runs have. */
function useColumns(chosen: readonly string[], index: RunIndex | undefined, one: boolean): readonly string[] {
  return useMemo(() => {
    if (chosen.length > 0 || !index || !one) return chosen;
    const metrics = leading(index.metrics).slice(0, METRICS);
    return [...metrics.map((key) => `metrics.${key}`), ...index.params.slice(0, PARAMS).map((key) => `params.${key}`)];
  }, [chosen, index, one]);
}

interface NothingProps {
  level: "whole" | "all";
  set: State[1];
}

function Nothing({ level, set }: NothingProps) {
  const children = <Button onClick={() => set({ level: "all" })}>Include child runs</Button>;
  return (
    <Empty title="No runs match" action={level === "whole" ? children : undefined}>
      Widen the filter, or choose another experiment.
    </Empty>
  );
}
