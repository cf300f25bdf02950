import { useMemo, useState } from "react";
import { send } from "../../kernel/api/client";
import { useMay } from "../../kernel/session";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { useConfirm } from "../../ui/confirm";
import type { Run } from "../queries";
import { NoteDialog } from "./note-dialog";
import { deletingRuns, restoreRun } from "./removal";
import { TagDialog } from "./tag-dialog";

/** What can be done about a run. */
export function RunActs({ run }: { run: Run }) {
  const may = useMay("run:write");
  const confirm = useConfirm();
  const [tags, setTags] = useState(false);
  const [note, setNote] = useState(false);
  const refused = may ? undefined : "needs run:write";
  const verbs = useMemo(() => {
    const end = () =>
      void confirm({
        title: `End ${run.name} as killed?`,
        text: "It takes no more points, parameters or files. Its process, if there is one, learns of it when it next reports.",
        verb: "End it",
        danger: true,
        reason: "required",
        act: (error) => send("post", "/runs/{run}/finish", { path: { run: run.id }, body: { state: "killed", error } }),
      });
    const writes = run.deleted_at ? "it is deleted" : true;
    return [
      { label: `Tag ${run.name}`, run: () => setTags(true), enabled: refused ?? writes },
      { label: `Write a note on ${run.name}`, run: () => setNote(true), enabled: refused ?? writes },
      { label: `End ${run.name}`, run: end, enabled: refused ?? (run.state === "running" || "it has ended") },
      run.deleted_at
        ? { label: `Restore ${run.name}`, run: () => void restoreRun(run), enabled: refused ?? true }
        : { label: `Delete ${run.name}`, run: () => void confirm(deletingRuns([run])), enabled: refused ?? true },
    ] as const;
  }, [run, refused, confirm]);
  useVerbs(verbs);
  return (
    <>
      {!run.deleted_at && (
        <>
          <Button disabled={!may} title={refused} onClick={verbs[0].run}>
            Tag
          </Button>
          <Button disabled={!may} title={refused} onClick={verbs[1].run}>
            Note
          </Button>
        </>
      )}
      {run.state === "running" && (
        <Button kind="danger" disabled={!may} title={refused} onClick={verbs[2].run}>
          End it
        </Button>
      )}
      <Button disabled={!may} title={refused} onClick={verbs[3].run}>
        {run.deleted_at ? "Restore" : "Delete"}
      </Button>
      {tags && <TagDialog run={run} onClose={() => setTags(false)} />}
      {note && <NoteDialog run={run} onClose={() => setNote(false)} />}
    </>
  );
}
