import { Link } from "@tanstack/react-router";
import { useProject } from "../../kernel/project";
import { query } from "../../kernel/url";
import { Status, type StatusKind } from "../../ui/status";
import { INBOX } from "../filters";
import type { Finding } from "../queries";

const STATES: Readonly<Record<Finding["state"], { kind: StatusKind; word: string }>> = {
  open: { kind: "waiting", word: "Open" },
  acknowledged: { kind: "ok", word: "Acknowledged" },
  silenced: { kind: "idle", word: "Silenced" },
};

interface FindingStateProps {
  finding: Finding;
  /** Leads to it in the inbox. */
  link?: boolean;
  /** Only whether somebody has looked at it. */
  short?: boolean;
}

/** How severe it is, and whether somebody has looked at it. */
export function FindingState({ finding, link = false, short = false }: FindingStateProps) {
  const project = useProject();
  const state = STATES[finding.state];
  const words = short ? (
    <Status {...state} />
  ) : (
    <>
      <Status kind={finding.severity === "critical" ? "bad" : "warn"} word={SEVERITIES[finding.severity]} badge />{" "}
      <Status {...state} badge />
    </>
  );
  if (!link) return <span className="finding-state">{words}</span>;
  const to = `/${project}/findings${query(INBOX, { finding: finding.id, state: finding.state })}`;
  return (
    <Link className="finding-state" to={to} aria-label={`The finding: ${finding.severity}, ${state.word}`}>
      {words}
    </Link>
  );
}

export const SEVERITIES = { critical: "Critical", warning: "Warning" } as const;
