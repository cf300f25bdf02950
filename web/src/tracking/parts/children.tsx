import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useProject } from "../../kernel/project";
import { query } from "../../kernel/url";
import { LinkButton } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { type Asked, indexQuery } from "../queries";
import { leading } from "./cells";
import { compareAddress } from "./compare-address";
import { RUNS_FIELDS } from "./fields";
import { RunsTable } from "./runs-table";
import { useTicks } from "./ticks";

interface ChildrenProps {
  run: string;
  sort: string;
  onSort: (sort: string) => void;
  ids: readonly string[];
  onIds: (ids: string[]) => void;
}

const OLDEST = "started_at";
const SOME = 3;

/** The child runs of this one: the steps of a pipeline, the trials of a search. */
export function Children({ run, sort, onSort, ids, onIds }: ChildrenProps) {
  const project = useProject();
  const [selected, onSelect] = useTicks(ids, onIds);
  const asked = useMemo<Asked>(() => ({ parent: run, where: [], order_by: sort }), [run, sort]);
  const index = useQuery(indexQuery(asked));
  const columns = useMemo(
    () => [
      ...leading(index.data?.metrics ?? [])
        .slice(0, SOME)
        .map((key) => `metrics.${key}`),
      ...(index.data?.params ?? []).slice(0, SOME).map((key) => `params.${key}`),
    ],
    [index.data],
  );
  return (
    <Loaded query={index} isEmpty={({ total }) => total === 0} empty={<Empty title="No child runs" />}>
      {(found) => (
        <div className="runs-found">
          <div className="row">
            <LinkButton small to={`/${project}/runs${query(RUNS_FIELDS, { parent: run })}`}>
              Filter and choose columns
            </LinkButton>
            {selected.size > 1 && (
              <LinkButton small kind="primary" to={compareAddress(project, [...selected])}>
                Compare {selected.size}
              </LinkButton>
            )}
            {selected.size < 2 && <span className="muted">Tick two or more to compare them.</span>}
          </div>
          <RunsTable
            key={sort}
            asked={asked}
            index={found}
            columns={columns}
            mixed={false}
            onSort={(next) => onSort(next ?? OLDEST)}
            selected={selected}
            onSelect={onSelect}
            maxHeight="480px"
          />
        </div>
      )}
    </Loaded>
  );
}
