import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useProject } from "../kernel/project";
import { href, parse } from "../kernel/ref";
import { shortId } from "./id";
import "./ref-link.css";

interface RefLinkProps {
  to: string;
  /** What to show instead of the name; the Ref stays on hover. */
  children?: ReactNode;
  /** Leaves the kind out, where the heading of the column says it already. */
  bare?: boolean;
}

/** A link to the page of whatever a Ref names. */
export function RefLink({ to, children, bare = false }: RefLinkProps) {
  const project = useProject();
  const ref = parse(to);
  if (!ref) return <span className="ref">{children ?? to}</span>;
  return (
    <Link className="ref" to={href(project, to)} title={to}>
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
