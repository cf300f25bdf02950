import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useMay } from "../../kernel/session";
import { useVerbs, type Verb } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { type Question, useConfirm } from "../../ui/confirm";
import { toast } from "../../ui/toasts";
import { productionQuery } from "../queries";
import { type Rollout, short, stateOf, typeset } from "../words";

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
  const { data: production } = useQuery(productionQuery(endpoint.name));
  const acts = useActs(endpoint);
  const backTo = production?.back_to ?? undefined;
  const shown = useMemo(() => actsOf(endpoint, may, acts, backTo, onDeploy), [endpoint, may, acts, backTo, onDeploy]);
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

/** What can be done now; the way back is shown to those alone who may take it. */
function actsOf(
  { rollout, paused }: Endpoint,
  may: boolean,
  acts: ReturnType<typeof useActs>,
  backTo: string | undefined,
  onDeploy?: () => void,
): Act[] {
  const running = rollout !== null;
  const enabled = may || "needs endpoint:deploy";
  const ofRollout: Act[] = [
    { label: "Evaluate now", run: acts.look, enabled, busy: acts.looking },
    paused
      ? { label: "Resume", run: acts.resume, enabled, kind: "primary" }
      : { label: "Pause", run: acts.pause, enabled },
    { label: "Abort rollout", run: acts.abort, enabled, kind: "danger" },
  ];
  const deploy: Act = {
    label: "Deploy a version",
    run: () => onDeploy?.(),
    enabled: may && running ? "a rollout is under way: abort it, or wait for its verdict" : enabled,
    kind: "primary",
  };
  const back: Act[] =
    may && !running && backTo ? [{ label: "Roll back", run: () => acts.back(backTo), enabled, kind: "danger" }] : [];
  return [...(running ? ofRollout : []), ...(onDeploy ? [deploy] : []), ...back];
}

/** `look` runs at once, the others ask first. */
function useActs({ name, version, shares }: Endpoint) {
  const confirm = useConfirm();
  const queries = useQueryClient();
  const candidate = short(shares.find(({ role }) => role === "candidate")?.version ?? version);
  const stable = short(version);
  const { mutate, isPending } = useMutation({
    mutationFn: () => send("post", "/endpoints/{endpoint}/advance", { path: { endpoint: name } }),
    onSuccess: (rollout) => {
      void queries.invalidateQueries({ queryKey: ["serving"] });
      toast({ text: rollout ? seen(rollout) : "There was no rollout", kind: "ok" });
    },
    onError: (error) => toast({ text: error.message, kind: "bad" }),
  });
  return useMemo(() => {
    const path = { endpoint: name };
    const ask = (question: Omit<Question, "act">, act: (reason: string) => Promise<string>) =>
      void confirm({
        ...question,
        act: async (reason) => {
          const text = await act(reason);
          await queries.invalidateQueries({ queryKey: ["serving"] });
          toast({ text, kind: "ok" });
        },
      });
    const pause = () =>
      ask(
        {
          title: `Pause the rollout of ${candidate}?`,
          text: `Both versions keep their traffic and evidence keeps counting. Until somebody resumes it, ${candidate} is neither promoted nor rolled back.`,
          verb: "Pause",
          reason: "required",
        },
        async (reason) => {
          await send("post", "/endpoints/{endpoint}/pause", { path, body: { reason } });
          return `The rollout of ${candidate} is paused`;
        },
      );
    const resume = () =>
      ask(
        {
          title: `Resume the rollout of ${candidate}?`,
          text: "Evidence from the pause counts: a verdict that is due takes effect at once.",
          verb: "Resume",
          reason: "optional",
        },
        async (note) => seen(await send("post", "/endpoints/{endpoint}/resume", { path, body: { note } })),
      );
    const abort = () =>
      ask(
        {
          title: `Abort the rollout of ${candidate}?`,
          text: `${stable} takes all traffic from then on. The evidence so far is kept.`,
          verb: "Abort",
          danger: true,
          reason: "required",
        },
        async (reason) => {
          await send("post", "/endpoints/{endpoint}/abort", { path, body: { reason } });
          return `${stable} takes all traffic`;
        },
      );
    const back = (to: string) =>
      ask(
        {
          title: `Roll back ${name}?`,
          text: `${short(to)} takes over from ${stable}, also as the model's champion. No request fails.`,
          verb: "Roll back",
          danger: true,
          reason: "required",
        },
        async (reason) => {
          const now = await send("post", "/endpoints/{endpoint}/rollback", { path, body: { reason } });
          return `${short(now.version)} takes all traffic`;
        },
      );
    return { look: () => mutate(), looking: isPending, pause, resume, abort, back };
  }, [name, candidate, stable, confirm, queries, mutate, isPending]);
}

function seen(rollout: Rollout): string {
  if (rollout.state === "running") return "Evaluated: no verdict yet";
  return rollout.state === "paused"
    ? "Evaluated; it stays paused"
    : `${stateOf(rollout).word}: ${typeset(rollout.reason)}`;
}
