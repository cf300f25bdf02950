import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { count } from "../../kernel/number";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Skeleton } from "../../ui/skeleton";
import { Time } from "../../ui/time";
import { type Asked, groupsQuery, indexQuery, type RunGroup } from "../queries";
import { toNumber } from "./cells";
import { RunsTable, type RunsTableProps } from "./runs-table";

interface GroupedProps extends Pick<RunsTableProps, "columns" | "mixed" | "onSort" | "selected" | "onSelect"> {
  asked: Asked;
  /** `experiment`, `params.depth` */
  by: string;
  /** The metric whose spread each group tells. */
  metric: string | undefined;
  /** Conditions of the groups that are unfolded. */
  open: readonly string[];
  onOpen: (open: string[]) => void;
}

/** Runs that share a value, under it; a group's runs are asked for when it is unfolded. */
export function Grouped({ asked, by, metric, open, onOpen, ...table }: GroupedProps) {
  const groups = useQuery(groupsQuery(by, metric, asked));
  return (
    <Loaded query={groups}>
      {(found) => (
        <>
          <ul className="runs-groups">
            {found.groups.map((group) => {
              const unfolded = open.includes(group.where);
              return (
                <li key={group.where}>
                  <button
                    type="button"
                    className="runs-group"
                    aria-expanded={unfolded}
                    onClick={() =>
                      onOpen(unfolded ? open.filter((one) => one !== group.where) : [...open, group.where])
                    }
                  >
                    <ChevronRight size={14} aria-hidden />
                    <Told group={group} by={by} metric={metric} />
                  </button>
                  {unfolded && <Members asked={{ ...asked, where: [...asked.where, group.where] }} {...table} />}
                </li>
              );
            })}
          </ul>
          {found.more && (
            <p className="muted">The {found.groups.length} largest groups; narrow the filter to see others.</p>
          )}
        </>
      )}
    </Loaded>
  );
}

function Told({ group, by, metric }: { group: RunGroup; by: string; metric: string | undefined }) {
  const [least, mean, greatest] = [group.least, group.mean, group.greatest].map((value) =>
    toNumber(value ?? undefined),
  );
  return (
    <>
      <span className="runs-group-value">
        <span className="muted">{by.replace(/^\w+\./, "")}</span>{" "}
        {group.value === null ? "not given" : String(group.value)}
      </span>
      <span>{count(group.runs, "run")}</span>
      <span className="runs-group-metric">
        {metric !== undefined && group.measured > 0 && (
          <>
            <span className="muted">{metric}</span> <Num value={mean} /> <span className="muted">mean,</span>{" "}
            <Num value={least} /> <span className="muted">to</span> <Num value={greatest} />
          </>
        )}
      </span>
      <span className="muted">
        newest <Time at={group.started_at} />
      </span>
    </>
  );
}

type MembersProps = Pick<RunsTableProps, "asked" | "columns" | "mixed" | "onSort" | "selected" | "onSelect">;

function Members(props: MembersProps) {
  const index = useQuery(indexQuery(props.asked));
  if (!index.data) return <Skeleton lines={3} />;
  return <RunsTable {...props} index={index.data} maxHeight="min(50dvh, 480px)" />;
}
