import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schema } from "../../kernel/api/types";
import { duration } from "../../kernel/time";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { Num } from "../../ui/num";
import { RefLink } from "../../ui/ref-link";
import { Table, type TableColumn } from "../../ui/table";
import { Time } from "../../ui/time";
import { instantOf } from "../fields";
import { predictionsQuery } from "../queries";
import { predictionRef } from "../words";
import { Score } from "./score";

type Prediction = Schema<"Prediction">;
const FIRST = 50;
const MOST = 1000;

/** What was answered last. */
export function Predictions({ endpoint, at }: { endpoint: string; at: string | undefined }) {
  const [limit, setLimit] = useState(FIRST);
  const found = useQuery(predictionsQuery(endpoint, instantOf(at), limit));
  const columns: TableColumn<Prediction>[] = [
    {
      head: "Request",
      cell: ({ request_id }) => (
        <RefLink to={predictionRef(endpoint, request_id)}>
          <code>{request_id}</code>
        </RefLink>
      ),
    },
    { head: "When", cell: ({ at: when }) => <Time at={when} /> },
    { head: "Version", cell: ({ version }) => <RefLink to={version} bare /> },
    { head: "Role", minor: true, cell: ({ role }) => role },
    { head: "Score", align: "end", cell: ({ score }) => <Score value={score} /> },
    { head: "Outcome", align: "end", cell: ({ label }) => <Num value={label} /> },
    {
      head: "Latency",
      minor: true,
      align: "end",
      cell: ({ role, latency_ms }) => (role === "batch" ? <span className="muted">–</span> : duration(latency_ms)),
    },
  ];
  return (
    <Loaded query={found} empty={<Empty title="No predictions yet" command={`ostinato endpoints url ${endpoint}`} />}>
      {(rows) => (
        <>
          <Table label="Recent predictions" columns={columns} rows={rows} rowKey={({ request_id }) => request_id} />
          {rows.length === limit && limit < MOST && (
            <div>
              <Button small onClick={() => setLimit(Math.min(MOST, limit * 4))}>
                More
              </Button>
            </div>
          )}
        </>
      )}
    </Loaded>
  );
}
