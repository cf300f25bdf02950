import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useId, useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { Field } from "../../ui/field";
import { Loaded } from "../../ui/loaded";
import { toast } from "../../ui/toasts";
import { versionsQuery } from "../queries";
import { short } from "../words";

type Endpoint = Schema<"Endpoint">;

const WAYS = [
  ["canary", "Step by step, as far as the evidence allows (canary)"],
  ["shadow", "In the shadow: it scores, and answers nothing until it is promoted"],
  ["blue_green", "All at once, and back if there is harm (blue-green)"],
  ["deploy", "All at once, without a test"],
] as const;
type Way = (typeof WAYS)[number][0];

interface DeployProps {
  endpoint: Endpoint;
  onClose: () => void;
}

/** Another version, at once or by evidence. */
export function DeployDialog({ endpoint, onClose }: DeployProps) {
  const versions = useQuery(versionsQuery(endpoint.model));
  const form = useId();
  const act = useDeploy(endpoint, onClose);
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button type="submit" form={form} kind="primary" busy={act.isPending}>
        Deploy
      </Button>
    </>
  );
  return (
    <Dialog title={`Deploy a version to ${endpoint.name}`} onClose={onClose} actions={actions}>
      <Loaded query={versions}>
        {(all) => {
          const approved = all.filter(({ state, ref }) => state === "approved" && ref !== endpoint.version);
          if (approved.length === 0) return <Empty title="No other version is approved" />;
          const newest = approved.toSorted((a, b) => Number(b.version) - Number(a.version));
          return (
            <DeployForm id={form} versions={newest.map(({ ref }) => ref)} onSubmit={(given) => act.mutate(given)} />
          );
        }}
      </Loaded>
      {act.error && <ErrorBox error={act.error} />}
    </Dialog>
  );
}

interface Given {
  version: string;
  way: Way;
  margin: number;
  reason: string;
}

function useDeploy(endpoint: Endpoint, onClose: () => void) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const project = useProject();
  const path = { endpoint: endpoint.name };
  return useMutation({
    mutationFn: async ({ version, way, margin, reason }: Given) => {
      if (way !== "deploy") {
        const body = { candidate: short(version), plan: { strategy: way, margin } as Schema<"RolloutPlan"> };
        return (await send("post", "/endpoints/{endpoint}/rollout", { path, body })).id;
      }
      await send("post", "/endpoints/{endpoint}/deploy", { path, body: { model: short(version), reason } });
      return undefined;
    },
    onSuccess: async (rollout, { version }) => {
      await queries.invalidateQueries({ queryKey: ["serving"] });
      onClose();
      if (rollout) void navigate({ to: `/${project}/endpoints/${endpoint.name}/rollouts/${rollout}` });
      else toast({ text: `${short(version)} answers now`, kind: "ok" });
    },
  });
}

function DeployForm({ id, versions, onSubmit }: { id: string; versions: string[]; onSubmit: (given: Given) => void }) {
  const [given, setGiven] = useState<Given>({ version: versions[0] ?? "", way: "canary", margin: 0.02, reason: "" });
  const set = (change: Partial<Given>) => setGiven((before) => ({ ...before, ...change }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(given);
  };
  return (
    <form id={id} className="serving-deploy" onSubmit={submit}>
      <Field label="Version" hint="Approved ones only.">
        <select value={given.version} onChange={({ target }) => set({ version: target.value })}>
          {versions.map((version) => (
            <option key={version} value={version}>
              {short(version)}
            </option>
          ))}
        </select>
      </Field>
      <Field label="How">
        <select value={given.way} onChange={({ target }) => set({ way: target.value as Way })}>
          {WAYS.map(([way, words]) => (
            <option key={way} value={way}>
              {words}
            </option>
          ))}
        </select>
      </Field>
      {given.way === "deploy" ? (
        <Field label="Reason" hint="Kept in the ledger." required>
          <textarea rows={3} required value={given.reason} onChange={({ target }) => set({ reason: target.value })} />
        </Field>
      ) : (
        <Field label="Margin" hint="By how much its mean squared error may be worse and it is still promoted.">
          <input
            type="number"
            min={0}
            max={0.5}
            step={0.005}
            value={given.margin}
            onChange={({ target }) => set({ margin: target.valueAsNumber })}
          />
        </Field>
      )}
    </form>
  );
}
