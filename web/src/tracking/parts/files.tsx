import { useQuery } from "@tanstack/react-query";
import { artifactAddress } from "../../kernel/artifact";
import { bytes, count } from "../../kernel/number";
import { ArtifactFrame } from "../../ui/artifact-frame";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Table } from "../../ui/table";
import { type Artifact, previewQuery } from "../queries";
import type { Cell } from "./cells";

interface FilesProps {
  project: string;
  run: string;
  all: readonly Artifact[];
  /** The path of the file in view; the first one unless told. */
  open: string;
  onOpen: (path: string) => void;
}

/** What a run left: a list of its files and the one in view, shown as its ending says. */
export function Files({ project, run, all, open, onOpen }: FilesProps) {
  const file = all.find(({ path }) => path === open) ?? all[0];
  if (!file) return <Empty title="It left no files" command='run.artifact("report.html", report)' />;
  return (
    <div className="run-files">
      <ul className="run-file-list" aria-label="Files">
        {all.map(({ path, size }) => (
          <li key={path}>
            <button type="button" aria-pressed={path === file.path} onClick={() => onOpen(path)} title={path}>
              <span>{path}</span>
              <span className="muted">{bytes(size)}</span>
            </button>
          </li>
        ))}
      </ul>
      <ArtifactFrame key={file.digest} name={file.path} url={artifactAddress(project, run, file.path)} size={file.size}>
        {/\.parquet$/i.test(file.path) && <TableHead run={run} path={file.path} />}
      </ArtifactFrame>
    </div>
  );
}

/** The first rows of a table that only the server can read. */
function TableHead({ run, path }: { run: string; path: string }) {
  const found = useQuery(previewQuery(run, path));
  return (
    <Loaded query={found}>
      {({ columns, types, rows, total }) => (
        <>
          <p className="muted">
            The first {rows.length} of {count(total, "row")}, {count(columns.length, "column")}
          </p>
          <Table
            label={path}
            columns={columns.map((name, i) => ({
              head: <span title={types[i]}>{name}</span>,
              cell: (row: readonly Cell[]) => shown(row[i]),
              ...(/^(u?int|float|double|decimal)/.test(types[i] ?? "") && { align: "end" as const }),
            }))}
            rows={rows}
            rowKey={(_, i) => i}
            raw
          />
        </>
      )}
    </Loaded>
  );
}

function shown(value: Cell) {
  return value === null || value === undefined ? <span className="muted">–</span> : String(value);
}
