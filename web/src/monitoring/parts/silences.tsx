import { useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { useMay } from "../../kernel/session";
import { date, now, time } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Card } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { RefLink } from "../../ui/ref-link";
import { Status } from "../../ui/status";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";

type Silence = Schema<"Silence">;

/** What is not to be heard, until when and why, and how it ended. */
export function Silences({ silences }: { silences: readonly Silence[] }) {
  return (
    <Card title="Silences" note={silences.length}>
      {silences.length > 0 ? (
        <Table
          label="Silences of this monitor"
          rows={silences}
          rowKey={({ id }) => id}
          columns={[
            { head: "About", cell: ({ feature }) => feature || "everything" },
            { head: "Until", cell: (silence) => <Until silence={silence} /> },
            {
              head: "Reason",
              grow: true,
              cell: ({ made_by, made_at, reason, ended_by, end_reason }) => (
                <>
                  <RefLink to={made_by} />: {reason}
                  {made_at && (
                    <span className="muted">
                      {" "}
                      · <Time at={made_at} />
                    </span>
                  )}
                  {ended_by && (
                    <span className="silence-end">
                      Ended by <RefLink to={ended_by} />: {end_reason}
                    </span>
                  )}
                </>
              ),
            },
            {
              head: "Acts",
              quiet: true,
              align: "end",
              cell: (silence) => isHeld(silence) && <End silence={silence} />,
            },
          ]}
        />
      ) : (
        <p className="muted">None: every finding is heard.</p>
      )}
    </Card>
  );
}

function isHeld({ until, ended_at }: Silence): boolean {
  return !ended_at && time(until) > now();
}

function Until({ silence }: { silence: Silence }) {
  const { until, ended_at } = silence;
  if (isHeld(silence)) return <Status kind="waiting" word={date(until)} />;
  return <span className="muted">{ended_at ? `ended ${date(ended_at)}` : `${date(until)}, over`}</span>;
}

function End({ silence: { id, monitor, feature } }: { silence: Silence }) {
  const may = useMay("monitor:write");
  const confirm = useConfirm();
  const queries = useQueryClient();
  if (!may) return null;
  const about = feature || "everything";
  const ask = () =>
    confirm({
      title: `End the silence about ${about}?`,
      text: `Findings in windows of ${monitor} measured from now on set off reactions again. Those already silenced stay silenced.`,
      verb: "End silence",
      reason: "required",
      act: async (reason) => {
        await send("post", "/silences/{silence}/end", { path: { silence: id }, body: { reason } });
        await queries.invalidateQueries({ queryKey: ["monitoring"] });
        toast({ text: `${feature || "Everything"} of ${monitor} is no longer silenced` });
      },
    });
  return (
    <Button small kind="quiet" icon={<X aria-hidden />} aria-label={`End the silence about ${about}`} onClick={ask}>
      End…
    </Button>
  );
}
