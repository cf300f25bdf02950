import { memo } from "react";
import { Status, type StatusKind } from "../../ui/status";
import type { Run } from "../queries";

export const KINDS: Record<Run["state"], StatusKind> = {
  running: "running",
  finished: "ok",
  failed: "bad",
  killed: "warn",
  scheduled: "waiting",
};

interface RunStateProps {
  state: Run["state"];
  badge?: boolean;
}

/** The same for most runs of a table, so it is drawn once for a line that is given to another. */
export const RunState = memo(function RunState({ state, badge = false }: RunStateProps) {
  return <Status kind={KINDS[state]} word={state} badge={badge} />;
});
