import { useCallback, useMemo, useState } from "react";
import { Section } from "../../ui/card";
import type { Column } from "../../ui/data-table/columns";
import { DataTable } from "../../ui/data-table/data-table";
import { usePagedRows } from "../../ui/data-table/rows";
import { Id } from "../../ui/id";
import { Interval, Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { random, type SampleRun, sampleRuns } from "./samples";

const COLUMNS: Column<SampleRun>[] = [
  { id: "id", head: "Run", width: 120, cell: (run) => <Id value={run.id} /> },
  { id: "name", head: "Name", width: 200, grow: true, cell: (run) => run.name, sort: (run) => run.name },
  { id: "state", head: "State", cell: (run) => <Status kind={run.kind} word={run.state} />, sort: (run) => run.state },
  { id: "loss", head: "Loss", align: "end", cell: (run) => <Num value={run.loss} />, sort: (run) => run.loss },
  {
    id: "auc",
    head: "AUC",
    width: 180,
    align: "end",
    cell: (run) => <Interval {...run.auc} />,
    sort: (run) => run.auc.value,
  },
  { id: "rows", head: "Rows", align: "end", cell: (run) => <Num value={run.rows} />, sort: (run) => run.rows },
  { id: "model", head: "Model", cell: (run) => <RefLink bare to={run.model} /> },
  { id: "at", head: "Started", align: "end", cell: (run) => <Time at={run.at} />, sort: (run) => run.at },
];
const HUNDRED_THOUSAND = COLUMNS.map((column) => ({ ...column, sort: true as const }));
const PAGE = 200;

export function Tables() {
  const [sort, setSort] = useState<string | undefined>("-auc");
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [opened, setOpened] = useState("");
  const few = useMemo(() => sampleRuns(0, 40), []);
  const page = useCallback(
    (n: number) => ({
      queryKey: ["gallery", n],
      queryFn: () =>
        new Promise<SampleRun[]>((done) => setTimeout(() => done(sampleRuns(n * PAGE, PAGE)), 150 + random() * 100)),
    }),
    [],
  );
  const many = usePagedRows({ total: 100_000, size: PAGE, page });
  return (
    <>
      <Section title="Versions" note={4}>
        <Table
          label="Versions"
          rows={few.slice(0, 4)}
          rowKey={(run) => run.id}
          marked={(run) => run === few[1]}
          columns={[
            { head: "Name", cell: (run) => run.name, grow: true },
            { head: "State", cell: (run) => <Status kind={run.kind} word={run.state} /> },
            { head: "AUC", cell: (run) => <Interval {...run.auc} />, align: "end" },
            { head: "Rows", cell: (run) => <Num value={run.rows} />, align: "end" },
            { head: "Started", cell: (run) => <Time at={run.at} />, align: "end" },
          ]}
        />
      </Section>
      <Section title="Runs" note={`${selected.size} ticked${opened && `, ${opened} opened`}`}>
        <DataTable
          label="Runs"
          columns={COLUMNS}
          rows={few}
          rowKey={(run) => run.id}
          sort={sort}
          onSort={setSort}
          selected={selected}
          onSelect={setSelected}
          onOpen={(run) => setOpened(run.name)}
          maxHeight="400px"
        />
      </Section>
      <Section title="A hundred thousand runs">
        <DataTable label="All runs" columns={HUNDRED_THOUSAND} rows={many} rowKey={(run) => run.id} maxHeight="400px" />
      </Section>
    </>
  );
}
