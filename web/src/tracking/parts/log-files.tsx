import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Loaded } from "../../ui/loaded";
import { LogView } from "../../ui/log-view/log-view";
import { Segments } from "../../ui/tabs";
import { type Artifact, type Run, textQuery } from "../queries";

const LOG = /(^|\/)(std(out|err)(\.(log|txt))?|output\.txt|[^/]+\.log)$/;
const MOST = 8_000_000;

/** The files that hold what a run printed. */
export function logs(artifacts: readonly Artifact[]): Artifact[] {
  return artifacts.filter(({ path, size }) => LOG.test(path) && size <= MOST);
}

/** What a run printed. */
export function LogFiles({ run, all }: { run: Run; all: readonly Artifact[] }) {
  const [path, setPath] = useState(all[0]?.path ?? "");
  const text = useQuery(textQuery(run.id, path, run.state === "running"));
  const items = all.map((file) => ({ value: file.path, text: file.path }));
  return (
    <>
      {all.length > 1 && <Segments label="Which log" items={items} value={path} onChange={setPath} />}
      <Loaded query={text}>{(lines) => <LogView label={path} text={lines} live={run.state === "running"} />}</Loaded>
    </>
  );
}
