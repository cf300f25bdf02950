import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { Dialog } from "../../ui/dialog";
import { Empty } from "../../ui/empty";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Loaded } from "../../ui/loaded";
import { toast } from "../../ui/toasts";
import { versionsQuery } from "../queries";
import { short } from "../words";

type Endpoint = Schema<"Endpoint">;

const WAYS = [
  ["canary", "Canary: step by step as the evidence allows"],
  ["shadow", "Shadow: scores copies, serves none until promoted"],
  ["blue_green", "Blue-green: all at once, rolled back if there is harm"],
  ["deploy", "Direct: all at once, without a test"],
] as const;
const ENDS = [
  ["hold", "the stable version stays"],
  ["promote", "it is promoted"],
  ["rollback", "it is rolled back"],
] as const;

interface DeployProps {
  endpoint: Endpoint;
  onClose: () => void;
}

/** Another version, at once or by evidence. */
export function DeployDialog({ endpoint, onClose }: DeployProps) {
  const versions = useQuery(versionsQuery(endpoint.model));
  const title = `Deploy a version to ${endpoint.name}`;
  const approved = versions.data?.filter(({ state, ref }) => state === "approved" && ref !== endpoint.version);
  if (!approved?.length)
    return (
      <Dialog title={title} onClose={onClose}>
        <Loaded query={versions}>{() => <Empty title="No other version is approved" />}</Loaded>
      </Dialog>
    );
  const newest = approved.toSorted((a, b) => Number(b.version) - Number(a.version));
  return <DeployForm title={title} endpoint={endpoint} versions={newest.map(({ ref }) => ref)} onClose={onClose} />;
}

interface DeployFormProps extends DeployProps {
  title: string;
  versions: readonly string[];
}

function DeployForm({ title, endpoint, versions, onClose }: DeployFormProps) {
  const [way, setWay] = useState<string>("canary");
  const act = useDeploy(endpoint.name, onClose);
  return (
    <FormDialog title={title} verb="Deploy" act={act} onDone={() => undefined} onClose={onClose}>
      <Field label="Version" name="candidate" hint="Approved ones only.">
        <select>
          {versions.map((version) => (
            <option key={version} value={short(version)}>
              {short(version)}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Strategy" name="strategy">
        <select value={way} onChange={({ target }) => setWay(target.value)}>
          {WAYS.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </Field>
      {way === "deploy" ? (
        <Field label="Reason" name="reason" hint="Kept in the ledger." required>
          <textarea rows={3} required />
        </Field>
      ) : (
        <PlanFields />
      )}
    </FormDialog>
  );
}

/** What the test asks for; what most people leave as it is stands folded. */
function PlanFields() {
  const many = { type: "number", min: 1, step: 1, required: true } as const;
  return (
    <>
      <Field label="Margin" name="margin" hint="How much worse its mean squared error may be for it to be promoted.">
        <input type="number" required min={0} max={0.5} step={0.005} defaultValue={0.02} />
      </Field>
      <details className="serving-plan">
        <summary>More settings</summary>
        <div className="form">
          <Field
            label="Least requests in a step"
            name="min_requests"
            hint="Requests, labelled where labels are asked for."
          >
            <input {...many} defaultValue={50} />
          </Field>
          <Field label="Inconclusive after" name="max_requests">
            <input {...many} defaultValue={5000} />
          </Field>
          <Field label="Then" name="on_inconclusive">
            <select>
              {ENDS.map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          </Field>
          <Field
            label="Labels"
            name="labels"
            hint="Without, it is promoted once no harm was shown in its scores and errors."
          >
            <select>
              <option value="yes">are asked for</option>
              <option value="no">do not come: scores and errors decide</option>
            </select>
          </Field>
        </div>
      </details>
    </>
  );
}

function useDeploy(endpoint: string, onClose: () => void) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const project = useProject();
  const path = { endpoint };
  return async (given: Given) => {
    const candidate = given("candidate");
    const deployed = given("strategy") === "deploy";
    const rollout = deployed
      ? undefined
      : await send("post", "/endpoints/{endpoint}/rollout", { path, body: { candidate, plan: planOf(given) } });
    if (deployed)
      await send("post", "/endpoints/{endpoint}/deploy", { path, body: { model: candidate, reason: given("reason") } });
    await queries.invalidateQueries({ queryKey: ["serving"] });
    onClose();
    if (rollout) void navigate({ to: `/${project}/endpoints/${endpoint}/rollouts/${rollout.id}` });
    else toast({ text: `${candidate} takes all traffic`, kind: "ok" });
  };
}

function planOf(given: Given): Schema<"RolloutPlan"> {
  return {
    strategy: given("strategy"),
    margin: Number(given("margin")),
    min_requests: Number(given("min_requests")),
    max_requests: Number(given("max_requests")),
    on_inconclusive: given("on_inconclusive") as Schema<"RolloutPlan">["on_inconclusive"],
    labels: given("labels") !== "no",
  } as Schema<"RolloutPlan">;
}
