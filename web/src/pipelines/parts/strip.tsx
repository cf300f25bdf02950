import { Link } from "@tanstack/react-router";
import type { Schema } from "../../kernel/api/types";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { duration, exact } from "../../kernel/time";
import { groups } from "../groups";
import { ofExecution } from "../states";

type Glimpse = Schema<"Glimpse">;

interface StripProps {
  /** The newest first, as they come. */
  recent: readonly Glimpse[];
  height?: number;
  /** Says how long the tallest bar is. */
  scale?: boolean;
}

/** The latest executions, the newest at the right: how each ended by its colour, how long it took by its height. */
export function Strip({ recent, height = 22, scale = false }: StripProps) {
  const project = useProject();
  const longest = Math.max(0, ...recent.map(({ wall_s }) => wall_s ?? 0));
  const share = ({ wall_s }: Glimpse) => (wall_s === null || longest === 0 ? 1 : wall_s / longest);
  return (
    <div className="strip" data-scale={scale || undefined}>
      <span className="sr-only">{inWords(recent)}</span>
      <div className="strip-bars" style={{ height }} aria-hidden>
        {recent.toReversed().map((one) => (
          <Link
            key={one.id}
            tabIndex={-1}
            className="strip-bar"
            data-kind={ofExecution(one.state).kind}
            data-open={one.ended_at === null || undefined}
            to={href(project, `execution:${one.id}`)}
            title={told(one)}
          >
            <span style={{ height: `max(3px, ${share(one) * 100}%)` }} />
          </Link>
        ))}
      </div>
      {scale && longest > 0 && (
        <div className="strip-scale" aria-hidden>
          <span>{duration(longest * 1000)}</span>
          <span>0</span>
        </div>
      )}
    </div>
  );
}

function told({ state, created_at, wall_s, cause }: Glimpse): string {
  const took = wall_s === null ? "" : ` in ${duration(wall_s * 1000)}`;
  return `${ofExecution(state).word}${took}, requested ${exact(created_at)}${cause ? ` by ${cause}` : ""}`;
}

function inWords(recent: readonly Glimpse[]): string {
  const counts = groups(recent, ({ state }) => ofExecution(state).word.toLowerCase());
  const words = [...counts].map(([word, some]) => `${some.length} ${word}`).join(", ");
  return `Of the latest ${recent.length}: ${words || "none"}`;
}
