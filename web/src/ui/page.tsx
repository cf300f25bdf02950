import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import "./page.css";

export interface Crumb {
  text: string;
  to?: string;
}

interface PageProps {
  /** Names the document, and the page where `heading` is not given. */
  title: string;
  heading?: ReactNode;
  /** One line under the heading: what is this, how does it stand. */
  lead?: ReactNode;
  crumbs?: readonly Crumb[];
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, heading, lead, crumbs = [], actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Ostinato`;
  }, [title]);
  return (
    <div className="page">
      <header className="page-head">
        {crumbs.length > 0 && (
          <nav className="page-crumbs" aria-label="Breadcrumb">
            {crumbs.map((crumb, i) => (
              <span key={i}>{crumb.to ? <Link to={crumb.to}>{crumb.text}</Link> : crumb.text}</span>
            ))}
          </nav>
        )}
        <div className="page-title">
          <h1>{heading ?? title}</h1>
          {actions && <div className="page-actions">{actions}</div>}
        </div>
        {lead && <p className="page-lead">{lead}</p>}
      </header>
      {children}
    </div>
  );
}
