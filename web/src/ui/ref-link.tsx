import { Link, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useProject } from "../kernel/project";
import { href, parse } from "../kernel/ref";
import type { RawSearch } from "../kernel/url";
import { shortId } from "./id";
import "./ref-link.css";

/** Kinds whose pages show how it was at a moment. */
const PAST = /^(dataset|endpoint|model|monitor)$/;

interface RefLinkProps {
  to: string;
  /** What to show instead of the name; the Ref stays on hover. */
  children?: ReactNode;
  /** Leaves the kind out, where the heading of the column says it already. */
  bare?: boolean;
}

/** A link to the page of whatever a Ref names; from a page of the past to one of the same moment. */
export function RefLink({ to, children, bare = false }: RefLinkProps) {
  const project = useProject();
  const at = useSearch({ strict: false, select: ({ at }: RawSearch) => at });
  const ref = parse(to);
  if (!ref) return <span className="ref">{children ?? to}</span>;
  return (
    <Link className="ref" to={then(href(project, to), ref.kind, at)} title={to}>
      {children ?? (
        <>
          {!bare && <span className="ref-kind">{ref.kind} </span>}
          <span className="ref-name">{shortId(ref.name)}</span>
          {ref.at && <span className="ref-at">@{shortId(ref.at)}</span>}
        </>
      )}
    </Link>
  );
}

function then(address: string, kind: string, at: RawSearch[string]): string {
  if (typeof at !== "string" || !PAST.test(kind)) return address;
  return `${address}${address.includes("?") ? "&" : "?"}at=${encodeURIComponent(at)}`;
}
