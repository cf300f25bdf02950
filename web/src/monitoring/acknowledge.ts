import { useCallback } from "react";
import { send } from "../kernel/api/client";
import { useConfirm } from "../ui/confirm";
import { toast } from "../ui/toasts";
import type { Alert, Finding } from "./queries";
import { subject, windowName } from "./words";

const TEXT = "Say what was done about it, or why nothing needs to be done. Others see it here and in the ledger.";

/** Asks what was done, and acknowledges one or several findings with it. */
export function useAcknowledge(): (findings: readonly Finding[]) => Promise<boolean> {
  const confirm = useConfirm();
  return useCallback(
    async (findings) => {
      const [first] = findings;
      if (!first) return false;
      const named =
        findings.length > 1
          ? `${findings.length} findings`
          : `${subject(first.measurement)} in ${windowName({ ...first, key: "" })}`;
      const answer = await confirm({
        title: `Acknowledge ${named}?`,
        text: TEXT,
        verb: "Acknowledge",
        reason: "required",
        act: (note) => each(findings, note),
      });
      if (answer) toast({ text: `Acknowledged ${named}` });
      return answer !== null;
    },
    [confirm],
  );
}

/** One after the other: who stops halfway repeats it, as what is acknowledged with the same words stays so. */
async function each(findings: readonly Finding[], note: string): Promise<void> {
  for (const { id } of findings)
    await send("post", "/findings/{finding}/acknowledge", { path: { finding: id }, body: { note } });
}

export function useAcknowledgeAlert(): (alert: Alert) => Promise<unknown> {
  const confirm = useConfirm();
  return useCallback(
    (alert) =>
      confirm({
        title: `Acknowledge the alert on ${alert.subject}?`,
        text: TEXT,
        verb: "Acknowledge",
        reason: "required",
        act: (note) => send("post", "/alerts/{alert}/acknowledge", { path: { alert: alert.id }, body: { note } }),
      }),
    [confirm],
  );
}
