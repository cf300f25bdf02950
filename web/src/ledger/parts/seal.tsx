import { type UseMutationResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { BookmarkCheck, FileDown, KeyRound, ShieldCheck, Stamp } from "lucide-react";
import { useMemo, useState } from "react";
import { bytes, send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { useMay } from "../../kernel/session";
import { exact } from "../../kernel/time";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { ErrorBox } from "../../ui/error-box";
import { Menu } from "../../ui/menu";
import { Status } from "../../ui/status";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { download } from "../download";
import { keyQuery, sealQuery } from "../queries";
import { KeptHead } from "./kept-head";

type Verify = UseMutationResult<Schema<"Verification">, Error, string | undefined>;

/** How far the seals reach, in one line. */
export function SealLine() {
  const { data } = useQuery(sealQuery);
  if (!data) return "Every act on anything: who did what, when, from what, and what came of it.";
  const { events, head } = data;
  if (!head) return <Status kind="waiting" word={`${full(events)} events, none sealed yet`} />;
  const open = events - head.size;
  return (
    <span className="ledger-seal">
      <Status
        kind={open ? "waiting" : "ok"}
        word={open ? `${full(head.size)} of ${full(events)} events sealed` : `All ${full(events)} events sealed`}
      />
      <span className="muted">
        last sealed <Time at={head.at} /> · root <code title={head.root}>{head.root.slice(0, 12)}</code>
      </span>
    </span>
  );
}

/** Verifying, exporting and sealing: as buttons and in the palette. */
export function useSealVerbs() {
  const may = useMay("ledger:write");
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const verify = useMutation({
    mutationFn: (head: string | undefined) => send("post", "/ledger/verify", { body: { head } }),
  });
  const { mutate, isPending } = verify;
  const acts = useMemo(() => {
    const failed = (error: Error) => toast({ kind: "bad", text: error.message });
    return {
      check: () => mutate(undefined),
      head: () => void exportHead().catch(failed),
      key: () => void queries.ensureQueryData(keyQuery).then(copyKey, failed),
      kept: () => setAsking(true),
      seal: () =>
        void send("post", "/ledger/seal").then(
          () => queries.invalidateQueries({ queryKey: ["ledger", "seal"] }),
          failed,
        ),
    };
  }, [mutate, queries]);
  useVerbs(
    useMemo(
      () => [
        { label: "Verify the ledger", run: acts.check },
        { label: "Verify the ledger against a head that I kept", run: acts.kept },
        { label: "Export the head of the ledger", run: acts.head },
        { label: "Seal the ledger now", run: acts.seal, enabled: may || "needs ledger:write" },
      ],
      [acts, may],
    ),
  );
  const icon = { size: 14, "aria-hidden": true } as const;
  const actions = (
    <>
      <Button kind="primary" icon={<ShieldCheck aria-hidden />} busy={isPending} onClick={acts.check}>
        {isPending ? "Reading all events" : "Verify"}
      </Button>
      <Button icon={<FileDown aria-hidden />} onClick={acts.head}>
        Export head
      </Button>
      <Menu
        label="More of the seals"
        iconOnly
        icon={<BookmarkCheck aria-hidden />}
        items={[
          { text: "Verify against a head that I kept", icon: <ShieldCheck {...icon} />, onSelect: acts.kept },
          { text: "Copy the public key", icon: <KeyRound {...icon} />, onSelect: acts.key },
          ...(may ? [{ text: "Seal now", icon: <Stamp {...icon} />, onSelect: acts.seal }] : []),
        ]}
      />
    </>
  );
  const dialog = asking && (
    <KeptHead
      onClose={() => setAsking(false)}
      onCheck={(head) => {
        setAsking(false);
        mutate(head);
      }}
    />
  );
  return { verify, actions, dialog };
}

async function exportHead(): Promise<void> {
  const note = await bytes("/ledger/head");
  const size = new TextDecoder().decode(note).split("\n")[1] ?? "";
  download(`ostinato-head-${size}.txt`, note);
  toast({
    text: `The head of ${full(Number(size))} events: keep it where the administrator of this store cannot write`,
  });
}

async function copyKey(key: string): Promise<void> {
  await navigator.clipboard.writeText(key);
  toast({ text: "The public key of the seals is copied" });
}

/** What the last verification found. */
export function VerifyResult({ verify }: { verify: Verify }) {
  const { data, error, submittedAt, variables } = verify;
  const problems = data?.problems ?? [];
  if (error) return <ErrorBox error={error} />;
  if (!data) return null;
  const against = variables ? " It continues the head that you kept." : "";
  return (
    <div className="ledger-verdict" data-kind={data.ok ? "ok" : "bad"} role="status">
      <Status kind={data.ok ? "ok" : "bad"} word={data.ok ? "The ledger is intact" : "The ledger was tampered with"} />
      <p>
        {full(data.events)} events were read again and compared; the seals cover {full(data.sealed)}.
        {data.ok && against} <span className="muted">{exact(submittedAt)}</span>
      </p>
      {problems.length > 0 && (
        <ul>
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
