import { useQuery, useQueryClient } from "@tanstack/react-query";
import { send } from "../../kernel/api/client";
import { bytes } from "../../kernel/number";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Loaded } from "../../ui/loaded";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { experimentNamesQuery, lapsedQuery, rulesQuery, samplingQuery } from "../queries";
import type { Lapsed, TraceRule } from "../words";

const LEAD =
  "Traces of a rule go for good once they are so old; servers see to it each hour. What somebody assessed, what an evaluation set came from, and what is held stays.";

/** Which traces are kept how long, and what the rules would let go now. */
export function Keeping({ may, onClose }: { may: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  if (!may)
    return (
      <Dialog title="Retention of traces" onClose={onClose} wide>
        <p>{LEAD}</p>
        <Rules />
        <Shares />
      </Dialog>
    );
  const declare = async (given: Given) => {
    const where = given("where") ? [given("where")] : [];
    await send("put", "/trace-retention-rules/{name}", {
      path: { name: given("name") },
      body: { days: Number(given("days")), where, experiment: given("experiment") || null },
    });
    await queries.invalidateQueries({ queryKey: rulesQuery.queryKey });
    toast({ text: `The rule ${given("name")} stands; the table says what it lets go` });
  };
  return (
    <FormDialog
      title="Retention of traces"
      verb="Save rule"
      lead={LEAD}
      act={declare}
      onDone={() => undefined}
      onClose={onClose}
      wide
    >
      <Rules acts />
      <Shares />
      <Field label="Rule" name="name" required hint="One of the same name is replaced.">
        <input required maxLength={100} spellCheck={false} />
      </Field>
      <Field label="Days" name="days" required hint="After their beginning.">
        <input type="number" min={0} max={36500} step="any" required />
      </Field>
      <Field label="Only those that meet" name="where" hint="For instance state != error, so that errors stay longer.">
        <input spellCheck={false} className="mono" />
      </Field>
      <Field label="Of the experiment" name="experiment" hint="By its name; all if it is empty.">
        <input spellCheck={false} />
      </Field>
    </FormDialog>
  );
}

function Rules({ acts = false }: { acts?: boolean }) {
  const rules = useQuery(rulesQuery);
  const lapsed = useQuery({ ...lapsedQuery, enabled: acts });
  const queries = useQueryClient();
  const drop = async (name: string) => {
    await send("delete", "/trace-retention-rules/{name}", { path: { name } });
    await queries.invalidateQueries({ queryKey: rulesQuery.queryKey });
  };
  const going = new Map(lapsed.data?.map((found) => [found.rule, found]));
  return (
    <Loaded query={rules}>
      {(known) => (
        <Table
          label="Rules"
          rows={known}
          rowKey={({ name }) => name}
          empty="No rule: all traces stay."
          columns={[
            { head: "Rule", grow: true, cell: (rule) => <About rule={rule} /> },
            { head: "Days", align: "end", cell: ({ days }) => days },
            { head: "Applied", cell: ({ applied_at }) => (applied_at ? <Time at={applied_at} /> : "not yet") },
            ...(acts
              ? [
                  { head: "Would go now", cell: ({ name }: TraceRule) => <Going found={going.get(name)} /> },
                  {
                    head: "Acts",
                    quiet: true,
                    cell: ({ name }: TraceRule) => (
                      <Button small kind="quiet" onClick={() => void drop(name)} aria-label={`Drop the rule ${name}`}>
                        Drop
                      </Button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
    </Loaded>
  );
}

function About({ rule: { name, where, experiment } }: { rule: TraceRule }) {
  return (
    <>
      {name} {where.length > 0 && <code className="muted">{where.join(" and ")}</code>}
      {experiment && (
        <span className="muted">
          {" "}
          of <Experiment id={experiment} />
        </span>
      )}
    </>
  );
}

function Experiment({ id }: { id: string }) {
  const { data } = useQuery(experimentNamesQuery);
  return data?.get(id) ?? id;
}

function Going({ found }: { found: Lapsed | undefined }) {
  if (!found) return <span className="muted">–</span>;
  const held = found.held > 0 ? `, ${found.held} held` : "";
  return found.count > 0 ? `${found.count} (${bytes(found.size)})${held}` : `none${held}`;
}

/** Which share of the new traces is kept, and what that came to. */
function Shares() {
  const { data = [] } = useQuery(samplingQuery);
  if (data.length === 0) return null;
  return (
    <ul className="traces-shares">
      {data.map(({ experiment, share, seen, kept }) => (
        <li key={experiment ?? ""}>
          {share * 100} % of the new traces of {experiment ? <Experiment id={experiment} /> : "all other experiments"}{" "}
          are kept
          {seen > 0 && (
            <span className="muted">
              : {((kept / seen) * 100).toFixed(1)} % of {seen} spans so far
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
