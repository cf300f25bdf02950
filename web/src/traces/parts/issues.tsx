import { useQuery, useQueryClient } from "@tanstack/react-query";
import { send } from "../../kernel/api/client";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { FormDialog, type Given } from "../../ui/form-dialog";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { Status } from "../../ui/status";
import { Table } from "../../ui/table";
import { Time } from "../../ui/time";
import { toast } from "../../ui/toasts";
import { experimentNamesQuery, issuesQuery } from "../queries";
import { type Issue, issueState, SEVERITIES } from "../words";

const TITLE = "Issues";
const LEAD =
  "What goes wrong, open and worst first. The traces that show an issue are its evidence; a trace is added on its own page.";
const STATES = ["pending", "accepted", "rejected", "resolved"] as const satisfies readonly Issue["state"][];

interface IssuesProps {
  may: boolean;
  /** Show the traces of an issue. */
  onShow: (issue: string) => void;
  onClose: () => void;
}

/** What goes wrong in traces, what became of it, and room to say more. */
export function Issues({ may, onShow, onClose }: IssuesProps) {
  const queries = useQueryClient();
  const names = useQuery(experimentNamesQuery);
  if (!may)
    return (
      <Dialog title={TITLE} onClose={onClose} wide>
        <p>{LEAD}</p>
        <Known onShow={onShow} />
      </Dialog>
    );
  const report = async (given: Given) => {
    const severity = given("severity") as keyof typeof SEVERITIES | "";
    const [experiment, name, description] = [given("experiment"), given("name"), given("description")];
    await send("post", "/issues", { body: { experiment, name, description, severity: severity || null } });
    await queries.invalidateQueries({ queryKey: issuesQuery.queryKey });
    toast({ text: `${name} is reported` });
  };
  return (
    <FormDialog
      title={TITLE}
      verb="Report issue"
      lead={LEAD}
      act={report}
      onDone={() => undefined}
      onClose={onClose}
      wide
    >
      <Known onShow={onShow} acts />
      <Field label="Issue" name="name" required>
        <input required maxLength={500} placeholder="invents flight numbers" />
      </Field>
      <Field label="Experiment" name="experiment" required>
        <select required>
          {[...(names.data ?? [])].map(([id, name]) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Severity" name="severity">
        <select defaultValue="">
          <option value="">not said</option>
          {(["high", "medium", "low"] as const).map((one) => (
            <option key={one} value={one}>
              {SEVERITIES[one]}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Description" name="description">
        <textarea rows={3} maxLength={10_000} />
      </Field>
    </FormDialog>
  );
}

function Known({ onShow, acts = false }: Pick<IssuesProps, "onShow"> & { acts?: boolean }) {
  const found = useQuery(issuesQuery);
  const names = useQuery(experimentNamesQuery);
  return (
    <Loaded query={found}>
      {(issues) => (
        <Table
          label={TITLE}
          rows={issues}
          rowKey={({ id }) => id}
          empty="Nobody has found anything wrong."
          columns={[
            { head: "Issue", grow: true, cell: ({ name, description }) => <span title={description}>{name}</span> },
            {
              head: "Severity",
              cell: ({ severity }) => (severity ? SEVERITIES[severity] : <span className="muted">–</span>),
            },
            { head: "Experiment", cell: ({ experiment }) => names.data?.get(experiment) ?? experiment },
            {
              head: "Traces",
              align: "end",
              cell: ({ id, name, traces }) =>
                traces ? (
                  <Button small kind="quiet" onClick={() => onShow(id)} aria-label={`${traces} with ${name}: show`}>
                    <Num value={traces} />
                  </Button>
                ) : (
                  <Num value={0} />
                ),
            },
            {
              head: "State",
              cell: (issue) => (acts ? <Fate issue={issue} /> : <Status {...issueState(issue.state)} />),
            },
            { head: "Changed", cell: ({ changed_at }) => <Time at={changed_at} /> },
          ]}
        />
      )}
    </Loaded>
  );
}

/** What became of an issue, to choose anew. */
function Fate({ issue: { id, name, state } }: { issue: Issue }) {
  const queries = useQueryClient();
  const change = async (next: string) => {
    await send("patch", "/issues/{issue}", { path: { issue: id }, body: { state: next as Issue["state"] } });
    await queries.invalidateQueries({ queryKey: issuesQuery.queryKey });
  };
  return (
    <select
      className="issue-state"
      aria-label={`State of ${name}`}
      value={state}
      onChange={({ target }) => void change(target.value)}
    >
      {STATES.map((one) => (
        <option key={one} value={one}>
          {issueState(one).word}
        </option>
      ))}
    </select>
  );
}
