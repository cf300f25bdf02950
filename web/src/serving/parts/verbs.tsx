import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useMay } from "../../kernel/session";
import { useVerbs, type Verb } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { useConfirm } from "../../ui/confirm";
import { toast } from "../../ui/toasts";
import { short, stateOf } from "../words";

type Endpoint = Schema<"Endpoint">;

interface Act extends Verb {
  kind?: "primary" | "danger";
  busy?: boolean;
}

interface ActsProps {
  endpoint: Endpoint;
  onDeploy?: (() => void) | undefined;
}

/** The buttons of an endpoint, and the same in the palette. */
export function Acts({ endpoint, onDeploy }: ActsProps) {
  const may = useMay("endpoint:deploy");
  const acts = useActs(endpoint.name);
  const shown = useMemo(() => actsOf(endpoint, may, acts, onDeploy), [endpoint, may, acts, onDeploy]);
  useVerbs(useMemo(() => shown.map((act) => ({ ...act, label: `${act.label}: ${endpoint.name}` })), [shown, endpoint]));
  return shown.map(({ label, run, enabled, kind = "plain" as const, busy = false }) => (
    <Button
      key={label}
      kind={kind}
      busy={busy}
      onClick={run}
      disabled={enabled !== true}
      title={typeof enabled === "string" ? enabled : undefined}
    >
      {label}
    </Button>
  ));
}

function actsOf(endpoint: Endpoint, may: boolean, acts: ReturnType<typeof useActs>, onDeploy?: () => void): Act[] {
  const { version, rollout, shares } = endpoint;
  const running = rollout !== null;
  const candidate = shares.find(({ role }) => role === "candidate")?.version ?? version;
  const enabled = may || "needs endpoint:deploy";
  const ofRollout: Act[] = [
    { label: "Look now", run: acts.look, enabled, busy: acts.looking },
    { label: "Abort rollout", run: () => acts.abort(candidate, version), enabled },
  ];
  const deploy: Act = {
    label: "Deploy a version",
    run: () => onDeploy?.(),
    enabled: may && running ? "a rollout is running: abort it, or wait for its verdict" : enabled,
    kind: "primary",
  };
  const back: Act = { label: "Roll back", run: () => acts.back(version), enabled, kind: "danger" };
  return [...(running ? ofRollout : []), ...(onDeploy ? [deploy] : []), back];
}

/** `look` runs at once, the others ask for a reason. */
function useActs(name: string) {
  const confirm = useConfirm();
  const queries = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: () => send("post", "/endpoints/{endpoint}/advance", { path: { endpoint: name } }),
    onSuccess: (rollout) => {
      void queries.invalidateQueries({ queryKey: ["serving"] });
      const text = !rollout || rollout.state === "running" ? "Looked: it goes on" : stateOf(rollout).word;
      toast({ text, kind: "ok" });
    },
    onError: (error) => toast({ text: error.message, kind: "bad" }),
  });
  return useMemo(() => {
    const path = { endpoint: name };
    const changed = () => queries.invalidateQueries({ queryKey: ["serving"] });
    const abort = (candidate: string, stable: string) =>
      void confirm({
        title: `Abort the rollout of ${short(candidate)}?`,
        text: `${short(stable)} answers alone from then on. What was seen so far is kept.`,
        verb: "Abort",
        danger: true,
        reason: "required",
        act: async (reason) => {
          await send("post", "/endpoints/{endpoint}/abort", { path, body: { reason } });
          await changed();
        },
      });
    const back = (version: string) =>
      void confirm({
        title: `Roll back ${name}?`,
        text: `${short(version)} stops answering; the version before it takes over, also as the model's champion. No request fails.`,
        verb: "Roll back",
        danger: true,
        reason: "required",
        act: async (reason) => {
          const now = await send("post", "/endpoints/{endpoint}/rollback", { path, body: { reason } });
          await changed();
          toast({ text: `${short(now.version)} answers now`, kind: "ok" });
        },
      });
    return { look: () => mutate(), looking: isPending, abort, back };
  }, [name, confirm, queries, mutate, isPending]);
}
