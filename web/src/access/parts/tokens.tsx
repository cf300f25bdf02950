import { useQuery } from "@tanstack/react-query";
import { KeyRound, MoreHorizontal } from "lucide-react";
import { useMemo, useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { time } from "../../kernel/time";
import { useVerbs } from "../../kernel/verbs";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Menu } from "../../ui/menu";
import { RefLink } from "../../ui/ref-link";
import { Status, Tag } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { revokeToken } from "../acts";
import { tokensQuery } from "../queries";
import { IssueToken } from "./issue-token";
import { RealTime, useRealNow } from "./real-time";
import { RotateToken } from "./rotate-token";

type Token = Schema<"Token">;

const SOON_MS = 14 * 86_400_000;

/** Credentials of programs: what each reaches, who issued it, when it was last seen, when it ends. */
export function Tokens({ actor }: { actor?: string }) {
  const tokens = useQuery(tokensQuery(actor));
  const [issuing, setIssuing] = useState(false);
  const [all, setAll] = useState(false);
  const [rotating, setRotating] = useState<Token>();
  const now = useRealNow();
  useVerbs(useMemo(() => [{ label: "Issue a token", run: () => setIssuing(true) }], []));
  const columns = useColumns(actor, setRotating);
  const live = (tokens.data ?? []).filter((token) => stateOf(token, now).live);
  const over = (tokens.data?.length ?? 0) - live.length;
  return (
    <Section
      title="Tokens"
      note={tokens.data && `${live.length} valid`}
      aside={
        <>
          {over > 0 && (
            <label className="access-check">
              <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> the {over} that
              ended
            </label>
          )}
          <Button small icon={<KeyRound aria-hidden />} onClick={() => setIssuing(true)}>
            Issue a token
          </Button>
        </>
      }
    >
      <Loaded
        query={tokens}
        empty={<Empty title="No token" command="ostinato access issue-token person:NAME --days 30" />}
      >
        {(some) => (
          <Table
            label="Tokens, one a line"
            columns={columns}
            rows={all ? some : live}
            rowKey={({ id }) => id}
            empty="No valid tokens."
          />
        )}
      </Loaded>
      {issuing && <IssueToken {...(actor && { actor })} onClose={() => setIssuing(false)} />}
      {rotating && <RotateToken token={rotating} onClose={() => setRotating(undefined)} />}
    </Section>
  );
}

function useColumns(actor: string | undefined, onRotate: (token: Token) => void): TableColumn<Token>[] {
  return useMemo(
    () => [
      {
        head: "Token",
        cell: ({ name, id }) => (
          <>
            {name || <span className="muted">unnamed</span>} <code className="muted">{id}</code>
          </>
        ),
      },
      ...(actor
        ? []
        : [
            {
              head: "Actor",
              cell: (token: Token) => <RefLink to={token.actor} bare={!token.actor.startsWith("service")} />,
            },
          ]),
      { head: "Permissions", cell: (token) => <Reach token={token} /> },
      { head: "Issued by", cell: ({ issued_by = "" }) => <RefLink to={issued_by} bare /> },
      {
        head: "Last used",
        cell: ({ last_used_at, last_used_from }) => (
          <>
            <RealTime at={last_used_at} /> {last_used_from && <span className="muted">{last_used_from}</span>}
          </>
        ),
      },
      { head: "Expires", cell: (token) => <Ends token={token} />, grow: true },
      { head: "Acts", quiet: true, cell: (token) => <Acts token={token} onRotate={onRotate} /> },
    ],
    [actor, onRotate],
  );
}

function Reach({ token: { permissions, projects, delegated } }: { token: Token }) {
  return (
    <span className="row access-reach">
      {permissions ? permissions.map((pattern) => <code key={pattern}>{pattern}</code>) : "all of its actor"}
      {projects && <span className="muted">in {projects.join(", ")}</span>}
      {delegated && <Tag text="approves nothing" />}
    </span>
  );
}

function stateOf({ revoked, rotated_to, expires_at }: Token, now: number): { live: boolean; word: string } {
  if (revoked) return { live: false, word: "revoked" };
  if (time(expires_at) <= now) return { live: false, word: rotated_to ? "rotated" : "expired" };
  return { live: true, word: rotated_to ? "rotated, still works" : "" };
}

function Ends({ token }: { token: Token }) {
  const now = useRealNow();
  const { live, word } = stateOf(token, now);
  if (!live) return <Status kind="idle" word={word} />;
  const soon = time(token.expires_at) - now < SOON_MS;
  return (
    <span className="row">
      <RealTime at={token.expires_at} />
      {word ? <Status kind="waiting" word={word} /> : soon && <Status kind="warn" word="soon" />}
    </span>
  );
}

function Acts({ token, onRotate }: { token: Token; onRotate: (token: Token) => void }) {
  const confirm = useConfirm();
  const now = useRealNow();
  const { live } = stateOf(token, now);
  if (!live) return null;
  const revoke = () =>
    void confirm({
      title: `Revoke ${token.name || token.id}?`,
      text: `Requests of ${token.actor} with it are refused from now on. This cannot be undone.`,
      verb: "Revoke",
      danger: true,
      act: () => revokeToken(token.id),
    });
  return (
    <Menu
      label={`Acts on ${token.name || token.id}`}
      iconOnly
      small
      kind="quiet"
      icon={<MoreHorizontal aria-hidden />}
      items={[
        { text: "Rotate", onSelect: () => onRotate(token), disabled: Boolean(token.rotated_to) },
        { text: "Revoke", onSelect: revoke, danger: true },
      ]}
    />
  );
}
