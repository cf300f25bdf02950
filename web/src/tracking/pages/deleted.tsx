import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useProject } from "../../kernel/project";
import { useMay } from "../../kernel/session";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Page } from "../../ui/page";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { restoreExperiment, restoreRun } from "../parts/removal";
import { RunName } from "../parts/run-columns";
import { deletedExperimentsQuery, deletedRunsQuery, type Experiment, type Run } from "../queries";
import "../tracking.css";

/** What was deleted and can be brought back? */
export function DeletedPage() {
  const project = useProject();
  const experiments = useQuery(deletedExperimentsQuery);
  const runs = useInfiniteQuery(deletedRunsQuery);
  const gone = new Set(experiments.data?.map(({ name }) => name));
  const alone = runs.data?.pages.flatMap(({ items }) => items).filter(({ experiment }) => !gone.has(experiment));
  return (
    <Page
      title="Deleted runs"
      heading="Deleted"
      crumbs={[{ text: "Runs", to: `/${project}/runs` }]}
      lead="Lists leave these out, and they take no writes. Their names and files are kept until they are purged."
    >
      <Loaded query={experiments}>
        {(found) =>
          found.length === 0 && alone?.length === 0 && !runs.hasNextPage ? (
            <Empty title="Nothing is deleted">An experiment or a run that somebody deletes can be restored here.</Empty>
          ) : (
            <div className="stack">
              {found.length > 0 && <Experiments all={found} />}
              <Section title="Runs" note={alone?.length}>
                <Loaded query={runs}>{() => <Runs all={alone ?? []} project={project} />}</Loaded>
                {runs.hasNextPage && (
                  <Button small busy={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
                    Show more
                  </Button>
                )}
              </Section>
            </div>
          )
        }
      </Loaded>
    </Page>
  );
}

function Experiments({ all }: { all: readonly Experiment[] }) {
  const may = useMay("run:write");
  useVerbs(
    useMemo(
      () =>
        all.map(({ name }) => ({
          label: `Restore ${name}`,
          run: () => void restoreExperiment(name),
          enabled: may || "needs run:write",
        })),
      [all, may],
    ),
  );
  const columns: TableColumn<Experiment>[] = [
    { head: "Experiment", cell: ({ name }) => name, grow: true },
    { head: "Deleted", cell: ({ deleted_at }) => <Time at={deleted_at} /> },
    {
      head: "Acts",
      quiet: true,
      cell: ({ name }) => (
        <Button
          small
          disabled={!may}
          aria-label={`Restore with its runs: ${name}`}
          onClick={() => void restoreExperiment(name)}
        >
          Restore with its runs
        </Button>
      ),
    },
  ];
  return (
    <Section title="Experiments" note={all.length}>
      <Table label="Deleted experiments, one a line" columns={columns} rows={all} rowKey={({ id }) => id} />
    </Section>
  );
}

function Runs({ all, project }: { all: readonly Run[]; project: string }) {
  const may = useMay("run:write");
  const columns: TableColumn<Run>[] = [
    { head: "Run", cell: (run) => <RunName project={project} row={run} />, grow: true },
    {
      head: "Experiment",
      cell: ({ experiment }) => (
        <Link to={`/${project}/runs?experiment=${encodeURIComponent(experiment)}`}>{experiment}</Link>
      ),
    },
    { head: "Started", cell: ({ started_at }) => <Time at={started_at} /> },
    { head: "Deleted", cell: ({ deleted_at }) => <Time at={deleted_at} /> },
    {
      head: "Acts",
      quiet: true,
      cell: (run) => (
        <Button small disabled={!may} aria-label={`Restore ${run.name}`} onClick={() => void restoreRun(run)}>
          Restore
        </Button>
      ),
    },
  ];
  return (
    <Table
      label="Deleted runs, one a line"
      columns={columns}
      rows={all}
      rowKey={({ id }) => id}
      empty="None by itself; those of a deleted experiment come back with it."
    />
  );
}
