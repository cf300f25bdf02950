import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useProject } from "../kernel/project";
import { text, useUrlState } from "../kernel/url";
import type { Column } from "./data-table/columns";
import { DataTable } from "./data-table/data-table";
import { Empty } from "./empty";
import { FilterBar } from "./filter-bar";
import { NARROW, useWidth } from "./size";
import "./listing.css";

const FIELDS = { sort: text(), filter: text() };

interface ListingProps<Row> {
  label: string;
  filterLabel: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** Also what its page is called, below `place` of the project. */
  name: (row: Row) => string;
  place: string;
  /** Where a filter is looked for. */
  words: (row: Row) => readonly string[];
  /** A row where a table has no room. */
  card: (row: Row) => ReactNode;
  none: (filter: string) => string;
}

/** All things of a kind, with a filter and an order that the address keeps; as cards where a table has no room. */
export function Listing<Row>({ label, filterLabel, columns, rows, name, place, words, card, none }: ListingProps<Row>) {
  const [{ sort, filter }, set] = useUrlState(FIELDS);
  const project = useProject();
  const navigate = useNavigate();
  const [frame, width] = useWidth();
  const wanted = filter.toLowerCase();
  const shown = rows.filter((row) => words(row).some((word) => word.toLowerCase().includes(wanted)));
  return (
    <div className="listing" ref={frame}>
      <FilterBar
        label={filterLabel}
        value={filter}
        onChange={(next) => set({ filter: next })}
        note={`${shown.length} of ${rows.length}`}
      />
      {width > 0 && width < NARROW && (
        <ul className="listing-cards">
          {shown.map((row) => (
            <li key={name(row)}>{card(row)}</li>
          ))}
        </ul>
      )}
      {width >= NARROW && (
        <DataTable
          label={label}
          columns={columns}
          rows={shown}
          rowKey={name}
          sort={sort || undefined}
          onSort={(next) => set({ sort: next ?? "" })}
          onOpen={(row) => void navigate({ to: `/${project}/${place}/${encodeURIComponent(name(row))}` })}
          empty={<Empty title={none(filter)} />}
        />
      )}
    </div>
  );
}
