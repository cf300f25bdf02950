import { Link } from "@tanstack/react-router";
import type { Schema } from "../../kernel/api/types";
import { RefLink } from "../../ui/ref-link";
import { Changes } from "./changes";

interface CausesProps {
  causes: readonly Schema<"Why">[];
  /** Where a step of this execution is shown. */
  to: (step: string) => string;
}

/** Why there was anything to do: the steps that the work began with, and what had changed for them. */
export function Causes({ causes, to }: CausesProps) {
  if (causes.length === 0) return null;
  const [{ compared_with: before } = { compared_with: null }] = causes;
  return (
    <section className="causes" aria-label="Why any ran">
      <h2>
        {before === null ? "Ran for the first time" : "Ran again because"}
        {before !== null && (
          <span className="muted">
            {" "}
            compared with <RefLink to={`execution:${before}`} />
          </span>
        )}
      </h2>
      <dl>
        {causes.map(({ step, name, changes, compared_with, reason }) => (
          <div key={step}>
            <dt>
              <Link to={to(step)} replace resetScroll={false}>
                {name}
              </Link>
            </dt>
            <dd>
              {changes.length > 0 ? (
                <Changes of={changes} most={4} />
              ) : (
                <span className="muted">{reason.replace(/^it ran /, "")} </span>
              )}
              {before !== null && compared_with && compared_with !== before && (
                <span className="muted">
                  compared with <RefLink to={`execution:${compared_with}`} />
                </span>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
