import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import type { Schema } from "../../kernel/api/types";
import { bytes, count, full, percent } from "../../kernel/number";
import { Button } from "../../ui/button";
import { Card, Section } from "../../ui/card";
import { Facts } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { Meter } from "../../ui/meter";
import { Status } from "../../ui/status";
import { Table, type TableColumn } from "../../ui/table";
import { installationQuery } from "../queries";

type Installed = Schema<"Installation">;
type Complaint = Schema<"Complaint">;

/** Is this installation sound, and what does it take? */
export function Installation() {
  const installation = useQuery(installationQuery);
  const again = (
    <Button
      small
      icon={<RefreshCw aria-hidden />}
      busy={installation.isFetching}
      onClick={() => void installation.refetch()}
    >
      Check again
    </Button>
  );
  return (
    <Loaded query={installation}>
      {(found) => (
        <>
          <Section title="Diagnosis" note={count(found.diagnosis.checks.length, "check")} aside={again}>
            <Diagnosis of={found.diagnosis} />
          </Section>
          <div className="grid">
            <Versions of={found} />
            <Storage of={found} />
          </div>
        </>
      )}
    </Loaded>
  );
}

const COMPLAINTS: TableColumn<Complaint>[] = [
  { head: "Check", cell: ({ check }) => check },
  {
    head: "Level",
    cell: ({ level }) => <Status kind={level === "problem" ? "bad" : "warn"} word={level} />,
  },
  { head: "Finding", grow: true, cell: ({ what }) => what },
  { head: "What to do", grow: true, cell: ({ mend }) => mend },
];

function Diagnosis({ of: { complaints, guards } }: { of: Installed["diagnosis"] }) {
  const missing = Object.entries(guards).flatMap(([guard, stands]) => (stands ? [] : [guard]));
  return (
    <>
      {complaints.length === 0 ? (
        <p>
          <Status kind="ok" word="No problems found" />
        </p>
      ) : (
        <Table
          label="Complaints"
          columns={COMPLAINTS}
          rows={complaints}
          rowKey={({ check, what }) => `${check} ${what}`}
        />
      )}
      <p className="access-note">
        {missing.length === 0
          ? "All guards of the sandbox for models work on this machine."
          : `Guards of the sandbox for models that this machine lacks: ${missing.join(", ")}.`}{" "}
        <code>ostinato doctor</code> also reads all blobs and logs, and loads the libraries of models.
      </p>
    </>
  );
}

function Versions({ of }: { of: Installed }) {
  return (
    <Card title="Versions">
      <Facts
        items={[
          ["Ostinato", of.version],
          ["Python", of.python],
          ["Metadata", of.rows],
          ["Blobs", `${of.blobs}${of.encrypted ? ", encrypted" : ", not encrypted"}`],
        ]}
      />
    </Card>
  );
}

const USED: TableColumn<Installed["used"][number]>[] = [
  { head: "Name", grow: true, cell: ({ name }) => <code>{name}</code> },
  { head: "Files", align: "end", cell: ({ files }) => full(files) },
  { head: "Size", align: "end", cell: ({ size }) => bytes(size) },
];
const SHOWN = 8;

function Storage({ of: { used, free, disk } }: { of: Installed }) {
  const taken = (disk - free) / disk;
  const total = used.reduce((sum, { size }) => sum + size, 0);
  return (
    <Card title="Storage" note={bytes(total)}>
      <p className="access-disk">
        <Meter share={taken} kind={taken > 0.9 ? "bad" : taken > 0.75 ? "warn" : "ok"} />
        <span>
          {bytes(free)} of the disk free, {percent(taken, 0)} in use
        </span>
      </p>
      <Table label="Space by folder" columns={USED} rows={used.slice(0, SHOWN)} rowKey={({ name }) => name} />
    </Card>
  );
}
