import { send } from "../../kernel/api/client";
import { count } from "../../kernel/number";
import type { Question } from "../../ui/confirm";
import { toast } from "../../ui/toasts";

interface Named {
  id: string;
  name: string;
}

/** The question before a run is deleted; what was deleted can be taken back at once, and later from the page of what is deleted. */
export function deletingRuns(runs: readonly Named[], then: () => void = () => undefined): Question {
  const what = runs.length === 1 ? (runs[0]?.name ?? "") : count(runs.length, "run");
  return {
    title: `Delete ${what}?`,
    text: "Lists leave it out and it takes no writes. It can be restored until it is purged.",
    verb: "Delete",
    danger: true,
    act: async () => {
      for (const { id } of runs) await send("delete", "/runs/{run}", { path: { run: id } });
      toast({
        text: `Deleted ${what}`,
        undo: async () => {
          for (const { id } of runs) await send("post", "/runs/{run}/restore", { path: { run: id } });
        },
      });
      then();
    },
  };
}

export function deletingExperiment(name: string, then: () => void): Question {
  return {
    title: `Delete ${name}?`,
    text: "Its runs go with it: lists leave them out. All of it can be restored until it is purged, and until then its name is not free.",
    verb: "Delete",
    danger: true,
    act: async () => {
      await send("delete", "/experiments/{experiment}", { path: { experiment: name } });
      toast({ text: `Deleted ${name}`, undo: () => restore(name) });
      then();
    },
  };
}

function restore(experiment: string) {
  return send("post", "/restored-experiments", { body: { experiment } });
}

/** Says what came of it, for there is no dialog that would. */
async function told(act: Promise<unknown>, done: string): Promise<void> {
  try {
    await act;
    toast({ text: done });
  } catch (failure) {
    toast({ kind: "bad", text: failure instanceof Error ? failure.message : String(failure) });
  }
}

export function restoreExperiment(name: string): Promise<void> {
  return told(restore(name), `Restored ${name}`);
}

export function restoreRun({ id, name }: Named): Promise<void> {
  return told(send("post", "/runs/{run}/restore", { path: { run: id } }), `Restored ${name}`);
}
