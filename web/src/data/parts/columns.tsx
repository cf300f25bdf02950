import { useQuery } from "@tanstack/react-query";
import type { Schema } from "../../kernel/api/types";
import { full, percent } from "../../kernel/number";
import { text, useUrlState } from "../../kernel/url";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { MiniHistogram } from "../../ui/plots/histogram";
import { Skeleton } from "../../ui/skeleton";
import { Tag } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { cellText } from "../checks";
import { profileQuery } from "../queries";
import { ColumnDialog } from "./column";
import "./columns.css";

type Column = Schema<"ColumnProfile">;

const FIELDS = { column: text() };

/** What is in each column of a version. */
export function Columns({ version, contract }: { version: string; contract: Schema<"Contract"> }) {
  const profile = useQuery(profileQuery(version));
  const [{ column: name }, set] = useUrlState(FIELDS);
  const open = profile.data?.columns.find((column) => column.name === name);
  return (
    <Loaded query={profile} skeleton={<Skeleton lines={8} />}>
      {({ columns }) => (
        <>
          <Table
            label={`Columns of ${version}`}
            columns={heads(contract, (column) => set({ column }))}
            rows={columns}
            rowKey={({ name }) => name}
          />
          {open && <ColumnDialog column={open} onClose={() => set({ column: "" })} />}
        </>
      )}
    </Loaded>
  );
}

function heads({ key = [], time }: Schema<"Contract">, onOpen: (column: string) => void): TableColumn<Column>[] {
  return [
    {
      head: "Column",
      cell: ({ name }) => (
        <span className="columns-name">
          <button type="button" className="columns-open" onClick={() => onOpen(name)}>
            {name}
          </button>{" "}
          {key.includes(name) && <Tag text="key" />} {name === time && <Tag text="time" />}
        </span>
      ),
    },
    { head: "Type", cell: ({ type }) => <span className="muted">{type}</span> },
    { head: "Distribution", cell: (column) => <Distribution column={column} /> },
    { head: "Distinct", cell: ({ distinct }) => <Num value={distinct} />, align: "end" },
    { head: "Nulls", cell: (column) => <Nulls column={column} />, align: "end" },
    {
      head: "Values",
      cell: (column) => (
        <span className="columns-values">
          <Values column={column} />
        </span>
      ),
      grow: true,
    },
  ];
}

function Nulls({ column: { nulls, rows } }: { column: Column }) {
  return nulls === 0 ? (
    <span className="muted">0</span>
  ) : (
    <span title={`${full(nulls)} of ${full(rows)} rows`}>{percent(nulls / rows)}</span>
  );
}

function Distribution({ column }: { column: Column }) {
  const { name, histogram = [], top = [], rows, nulls, distinct } = column;
  const filled = rows - nulls;
  if (histogram.length)
    return (
      <MiniHistogram
        label={`Histogram of ${name} from ${column.minimum} to ${column.maximum}`}
        counts={histogram.map((bin) => bin.rows)}
        titles={histogram.map(
          (bin) =>
            `${cellText(bin.low)} to ${cellText(bin.high)}: ${full(bin.rows)} rows, ${percent(bin.rows / filled)}`,
        )}
      />
    );
  if (filled === 0) return <span className="muted">empty</span>;
  if (distinct === filled && rows > 1) return <span className="muted">all differ</span>;
  if (column.type === "timestamp" || column.type === "date") return <span className="muted">–</span>;
  return (
    <MiniHistogram
      label={`The most frequent values of ${name}`}
      counts={top.map((value) => value.rows)}
      titles={top.map((value) => `${cellText(value.value)}: ${full(value.rows)} rows, ${percent(value.rows / filled)}`)}
    />
  );
}

/** Of numbers and instants the span, of words those that occur most. */
function Values({
  column: { type, minimum, maximum, quantiles = [], top = [], rows, nulls, distinct },
}: {
  column: Column;
}) {
  const median = quantiles[2];
  if (minimum === null) return <span className="muted">–</span>;
  if (["string", "bool"].includes(type) && distinct < rows - nulls)
    return (
      <>
        {top
          .slice(0, 3)
          .map((value) => `${cellText(value.value)} ${shareText(value.rows / (rows - nulls))}`)
          .join(" · ")}
        {distinct > 3 && <span className="muted"> · …</span>}
      </>
    );
  return (
    <>
      {cellText(minimum)} <span className="muted">to</span> {cellText(maximum)}
      {median !== undefined && (
        <span
          className="muted"
          title={quantiles.map((value, i) => `${[5, 25, 50, 75, 95][i]} %: ${cellText(value)}`).join("\n")}
        >
          {" "}
          · median {cellText(median)}
        </span>
      )}
    </>
  );
}

function shareText(share: number): string {
  return percent(share, share < 0.1 ? 1 : 0);
}
