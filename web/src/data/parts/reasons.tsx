import { X } from "lucide-react";
import type { ReactNode } from "react";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { checkKey, must, offending, specOf, subject } from "../checks";
import { extent } from "../verdict";
import { Records } from "./records";
import "./reasons.css";

type Contract = Schema<"Contract">;
type Delivery = Schema<"Delivery">;
type Result = Schema<"CheckResult">;

interface ReasonsProps {
  delivery: Delivery;
  contract: Contract;
  schema: readonly string[];
  /** The check whose rows are shown, as `checkKey` writes it; the first that failed unless told. */
  check: string;
  onCheck: (check: string) => void;
}

/** Why a delivery was refused: each check that failed with the values that offend, and the rows of one of them. */
export function Reasons({ delivery, contract, schema, check, onCheck }: ReasonsProps) {
  const failed = delivery.report.results?.filter(({ passed }) => !passed) ?? [];
  const open = failed.find((result) => checkKey(result) === check) ?? failed[0];
  if (!open) return null;
  return (
    <div className="reasons">
      <ul className="reasons-list">
        {failed.map((result) => (
          <li key={checkKey(result)}>
            <button type="button" aria-pressed={result === open} onClick={() => onCheck(checkKey(result))}>
              <X size={14} strokeWidth={2.25} aria-label="failed" />
              <Sentence result={result} contract={contract} />
              <Instances result={result} />
              <span className="reasons-extent">{extent(result, full(delivery.rows))}</span>
            </button>
          </li>
        ))}
      </ul>
      <OffendingRows result={open} delivery={delivery} contract={contract} schema={schema} />
    </div>
  );
}

/** **distance** must lie between 1 and 6 000. */
export function Sentence({ result, contract }: { result: Pick<Result, "check" | "columns">; contract: Contract }) {
  return (
    <span className="reasons-sentence">
      <strong>{subject(result.check, result.columns)}</strong> {must(specOf(contract, result))}
    </span>
  );
}

function Instances({ result: { columns, sample = [], message } }: { result: Result }) {
  const { values, more } = offending(columns, sample);
  if (message) return <span className="reasons-values">{message}</span>;
  return (
    <span className="reasons-values">
      {values.map((value) => (
        <code key={value}>{value}</code>
      ))}
      {more && "…"}
    </span>
  );
}

interface RowsProps {
  result: Result;
  delivery: Delivery;
  contract: Contract;
  schema: readonly string[];
}

function OffendingRows({ result, delivery, contract, schema }: RowsProps): ReactNode {
  const { sample = [], violations, columns } = result;
  if (sample.length === 0)
    return <p className="muted">The check is about the delivery as a whole: no row offends by itself.</p>;
  const which =
    sample.length < violations ? `The first ${sample.length} of ${full(violations)}` : `All ${sample.length}`;
  return (
    <figure className="reasons-rows">
      <figcaption>
        {which} offending rows; their lines are places in <code>{delivery.source}</code>.
      </figcaption>
      <Records
        label={`Rows that fail ${result.check} of ${columns.join(", ")}`}
        rows={sample}
        marked={columns}
        identity={contract.key ?? []}
        schema={schema}
      />
    </figure>
  );
}
