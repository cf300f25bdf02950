import { artifactAddress } from "../../kernel/artifact";
import { bytes } from "../../kernel/number";
import { ArtifactFrame } from "../../ui/artifact-frame";
import { Empty } from "../../ui/empty";
import type { Artifact } from "../queries";

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
      <ArtifactFrame
        key={file.digest}
        name={file.path}
        url={artifactAddress(project, run, file.path)}
        size={file.size}
      />
    </div>
  );
}
