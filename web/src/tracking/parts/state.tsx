import { Status, type StatusKind } from "../../ui/status";
import type { Run } from "../queries";

const KINDS: Record<Run["state"], StatusKind> = {
  running: "running",
  finished: "ok",
  failed: "bad",
  killed: "warn",
  scheduled: "waiting",
};

export function RunState({ state, badge = false }: { state: Run["state"]; badge?: boolean }) {
  return <Status kind={KINDS[state]} word={state} badge={badge} />;
}
