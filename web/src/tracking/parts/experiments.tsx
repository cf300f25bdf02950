import { Link } from "@tanstack/react-router";
import type { Schema } from "../../kernel/api/types";
import { short } from "../../kernel/number";
import { useProject } from "../../kernel/project";

interface ExperimentsProps {
  all: readonly Schema<"Experiment">[];
  chosen: string;
  /** The address of the page for an experiment, `""` for all. */
  to: (experiment: string) => string;
}

/** All experiments, the one in view marked; beside the table, above it where there is no room. */
export function Experiments({ all, chosen, to }: ExperimentsProps) {
  const project = useProject();
  const runs = all.reduce((sum, experiment) => sum + experiment.runs, 0);
  const entries = [{ name: "", runs, running: 0 }, ...all];
  return (
    <nav className="runs-experiments" aria-label="Experiments">
      <ul>
        {entries.map(({ name, runs: count, running }) => (
          <li key={name}>
            <Link
              to={to(name)}
              activeOptions={{ exact: true, includeSearch: true, explicitUndefined: true }}
              data-chosen={name === chosen || undefined}
              title={name || undefined}
            >
              <span className="runs-experiment">{name || "All experiments"}</span>
              {running > 0 && <span className="runs-running" title={`${running} running`} />}
              <span className="runs-count">{short(count)}</span>
            </Link>
          </li>
        ))}
        <li>
          <Link to={`/${project}/runs/deleted`} className="runs-deleted">
            <span className="runs-experiment">Deleted</span>
          </Link>
        </li>
      </ul>
    </nav>
  );
}
