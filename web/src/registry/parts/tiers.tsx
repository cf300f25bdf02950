import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { count } from "../../kernel/number";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Table, type TableColumn } from "../../ui/table";
import { toast } from "../../ui/toasts";
import { tiersQuery } from "../queries";
import { Names } from "./rules";

type Tier = Schema<"Tier">;

const COLUMNS: TableColumn<Tier>[] = [
  { head: "Risk", cell: ({ risk }) => risk },
  { head: "Approvals", cell: ({ approvals }) => count(approvals, "approval") },
  { head: "Approvers", grow: true, cell: ({ approvers = [] }) => <Who of={approvers} /> },
  { head: "Approval valid for", cell: ({ valid_days }) => (valid_days ? count(valid_days, "day") : "no expiry") },
  { head: "Break-glass review within", cell: ({ review_hours = 24 }) => span(review_hours) },
  { head: "Break-glass valid for", cell: ({ glass_hours = 168 }) => span(glass_hours) },
];

function Who({ of }: { of: readonly string[] }) {
  return of.length ? <Names of={of} /> : <span className="muted">anyone who may approve</span>;
}

/** Hours, or whole days where they are. */
function span(hours: number): string {
  return hours % 24 === 0 && hours > 24 ? count(hours / 24, "day") : count(hours, "hour");
}

/** What each risk asks of the models of this project; who may approve may say it anew. */
export function Tiers() {
  const { data: tiers = [] } = useQuery(tiersQuery);
  const may = useMay("model:approve");
  const [editing, setEditing] = useState<Tier>();
  const edit: TableColumn<Tier> = {
    head: "Change",
    quiet: true,
    align: "end",
    cell: (tier) => (
      <Button
        small
        kind="quiet"
        aria-label={`Change the rules for ${tier.risk} risk`}
        disabled={!may}
        title={may ? undefined : "needs the permission model:approve"}
        onClick={() => setEditing(tier)}
      >
        Change…
      </Button>
    ),
  };
  return (
    <Section title="Approval rules by risk" note="the least that a model of this risk needs">
      <Table label="Risks" columns={[...COLUMNS, edit]} rows={tiers} rowKey={({ risk }) => risk} />
      {editing && <TierDialog tier={editing} onClose={() => setEditing(undefined)} />}
    </Section>
  );
}

function TierDialog({ tier, onClose }: { tier: Tier; onClose: () => void }) {
  const { risk, approvals, approvers = [], valid_days, review_hours = 24, glass_hours = 168 } = tier;
  const declare = (reason: string, asked: Omit<Tier, "risk">) =>
    send("post", "/model-tiers/{risk}", { path: { risk }, body: { ...asked, reason } });
  const act = (given: Given) =>
    declare(given("reason"), {
      approvals: Number(given("approvals")),
      approvers: given("approvers")
        .split(/[\s,]+/)
        .filter(Boolean),
      valid_days: given("valid_days") ? Number(given("valid_days")) : null,
      review_hours: Number(given("review_hours")),
      glass_hours: Number(given("glass_hours")),
    });
  return (
    <FormDialog
      title={`Change the rules for ${risk} risk?`}
      verb="Change"
      lead={`Approvals given under the old rules become void: every version of a model of ${risk} risk needs new ones before it is promoted. What is in production stays.`}
      act={act}
      onDone={() => {
        toast({
          text: `The rules for ${risk} risk have changed`,
          undo: () =>
            declare("undone", { approvals, approvers, valid_days: valid_days ?? null, review_hours, glass_hours }),
        });
        onClose();
      }}
      onClose={onClose}
    >
      <Field label="Approvals" name="approvals" hint="How many people must approve a version.">
        <input type="number" min={1} max={20} required defaultValue={approvals} />
      </Field>
      <Field
        label="Approvers"
        name="approvers"
        hint="Roles and people, such as reviewer person:rita; empty for anyone who may approve."
      >
        <input className="mono" autoComplete="off" spellCheck={false} defaultValue={approvers.join(" ")} />
      </Field>
      <Field label="Approval valid for, in days" name="valid_days" hint="Empty for no expiry.">
        <input type="number" min={1} max={3660} defaultValue={valid_days ?? ""} />
      </Field>
      <Field label="Break-glass review within, in hours" name="review_hours">
        <input type="number" min={1} max={2160} required defaultValue={review_hours} />
      </Field>
      <Field
        label="Break-glass valid for, in hours"
        name="glass_hours"
        hint="Even if the review finds it justified; after that it needs an approval."
      >
        <input type="number" min={1} max={2160} required defaultValue={glass_hours} />
      </Field>
      <Field label="Reason" name="reason" required hint="Kept in the ledger.">
        <textarea rows={2} required />
      </Field>
    </FormDialog>
  );
}
