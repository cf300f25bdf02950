import { useMutation } from "@tanstack/react-query";
import { send } from "../../kernel/api/client";
import type { Schema } from "../../kernel/api/types";
import { count, full } from "../../kernel/number";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { ErrorBox } from "../../ui/error-box";
import { Num } from "../../ui/num";
import { Status } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";

type Proven = Schema<"Proven">;
type Row = { i: number; inputs: string; before: number | undefined; now: number | undefined };

const COLUMNS: TableColumn<Row>[] = [
  { head: "Inputs", grow: true, cell: ({ inputs }) => <code>{inputs}</code> },
  { head: "At registration", align: "end", cell: ({ before }) => <Num value={before} digits={6} /> },
  { head: "Now", align: "end", cell: ({ now }) => <Num value={now} digits={6} /> },
];

/** The input example with its scores of the registration, and, when it is loaded again, of now: the same? */
export function Proof({ of, kept }: { of: string; kept: Schema<"Handled">["proof"] }) {
  const asked = useMutation({ mutationFn: () => send("post", "/model-versions/{ref}/proof", { path: { ref: of } }) });
  const may = useMay("model:write");
  const rows = rowsOf(kept?.example ?? {}, kept?.scores ?? [], asked.data?.now ?? []);
  const again = (
    <Button
      small
      busy={asked.isPending}
      disabled={!may}
      title={may ? undefined : "you lack the permission model:write"}
      onClick={() => asked.mutate()}
    >
      Load and test again
    </Button>
  );
  return (
    <Section
      title="Proof"
      note={rows.length > 0 && `its input example, ${count(rows.length, "row")}`}
      aside={kept && again}
    >
      {!kept && <p className="muted">It was registered without an input example, by which it could be known again.</p>}
      {asked.error && <ErrorBox error={asked.error} />}
      {asked.data && <Outcome {...asked.data} />}
      {rows.length > 0 && <Table label="Rows of the example" columns={COLUMNS} rows={rows} rowKey={({ i }) => i} />}
    </Section>
  );
}

function Outcome({ equal, close, away, registered }: Proven) {
  if (registered.length === 0)
    return <Status kind="info" word="It loads and predicts; no prediction was recorded at registration" />;
  if (equal) return <Status kind="ok" word="Same predictions as at registration, bit for bit" />;
  const off = `off by up to ${full(away)}`;
  if (close)
    return <Status kind="ok" word={`Same predictions as at registration, except for the last digits: ${off}`} />;
  return (
    <Status kind="bad" word={`Predictions differ from those at registration: ${off}. No endpoint would serve it`} />
  );
}

function rowsOf(example: Proven["example"], before: readonly number[], now: readonly number[]): Row[] {
  const columns = Object.entries(example);
  const size = columns[0]?.[1].length ?? 0;
  return Array.from({ length: size }, (_, i) => ({
    i,
    inputs: columns.map(([name, values]) => `${name} ${values[i] ?? "–"}`).join(", "),
    before: before[i],
    now: now[i],
  }));
}
