import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Loaded } from "../../ui/loaded";
import { Tag } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { endSession } from "../acts";
import { sessionsQuery } from "../queries";
import { browserOf } from "./browser-of";
import { RealTime } from "./real-time";

type Session = Schema<"Session">;

const SHOWN = 8;

/** Browsers that are signed in, the present one first, then as they were last seen. */
export function Sessions({ actor }: { actor: string }) {
  const sessions = useQuery(sessionsQuery(actor));
  const confirm = useConfirm();
  const [whole, setWhole] = useState(false);
  const all = [...(sessions.data ?? [])].sort(
    (a, b) => Number(b.current) - Number(a.current) || (a.seen_at < b.seen_at ? 1 : -1),
  );
  const others = all.filter(({ current }) => !current);
  const endOthers = () =>
    void confirm({
      title: `End ${others.length === all.length ? "all sessions" : "all other sessions"} of ${actor.replace(/^\w+:/, "")}?`,
      text: `${others.length} browsers have to sign in again.`,
      verb: "End",
      danger: true,
      act: () => Promise.all(others.map(({ id }) => endSession(id))),
    });
  const aside = others.length > 1 && (
    <Button small onClick={endOthers}>
      {others.length === all.length ? "End all" : "End all others"}
    </Button>
  );
  return (
    <Section title="Sessions" note={sessions.data?.length} aside={aside}>
      <Loaded query={sessions} empty={<p className="muted">None.</p>}>
        {() => (
          <>
            <Table
              label="Sessions"
              columns={COLUMNS}
              rows={whole ? all : all.slice(0, SHOWN)}
              rowKey={({ id }) => id}
              marked={({ current = false }) => current}
            />
            {!whole && all.length > SHOWN && (
              <div>
                <Button small kind="quiet" onClick={() => setWhole(true)}>
                  Show all {all.length}
                </Button>
              </div>
            )}
          </>
        )}
      </Loaded>
    </Section>
  );
}

const MEANS = { password: "password", code: "one-time address", oidc: "identity provider" };

const COLUMNS: TableColumn<Session>[] = [
  { head: "Browser", cell: ({ agent }) => <span title={agent}>{browserOf(agent)}</span> },
  { head: "From", cell: ({ address }) => address },
  {
    head: "By",
    cell: ({ means, delegated }) => (
      <>
        {MEANS[means]} {delegated && <Tag text="approves nothing" />}
      </>
    ),
  },
  { head: "Last used", cell: ({ seen_at }) => <RealTime at={seen_at} /> },
  { head: "Expires", cell: ({ expires_at }) => <RealTime at={expires_at} />, grow: true },
  { head: "Acts", quiet: true, cell: (session) => <End session={session} />, align: "end" },
];

function End({ session }: { session: Session }) {
  const confirm = useConfirm();
  if (session.current) return <span className="muted">this one</span>;
  const ask = () =>
    void confirm({
      title: "End this session?",
      text: `${browserOf(session.agent)} at ${session.address} has to sign in again.`,
      verb: "End",
      danger: true,
      act: () => endSession(session.id),
    });
  return (
    <Button small kind="quiet" onClick={ask}>
      End
    </Button>
  );
}
