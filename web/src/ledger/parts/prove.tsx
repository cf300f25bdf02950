import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FileDown, Stamp } from "lucide-react";
import type { Schema } from "../../kernel/api/types";
import { full } from "../../kernel/number";
import { Button } from "../../ui/button";
import { ErrorBox } from "../../ui/error-box";
import { Id } from "../../ui/id";
import { Status } from "../../ui/status";
import { download } from "../download";
import { type Checked, canCheck, check } from "../proof";
import { keyQuery, proofQuery } from "../queries";

/** Asks for the proof that an event is in the ledger, and checks it here, without trust in the server's word. */
export function Prove({ event, sealed }: { event: string; sealed: boolean }) {
  const queries = useQueryClient();
  const prove = useMutation({
    mutationFn: async () => {
      const [proof, key] = await Promise.all([
        queries.fetchQuery(proofQuery(event)),
        queries.ensureQueryData(keyQuery),
      ]);
      return { proof, checked: canCheck() ? await check(proof, key) : undefined };
    },
  });
  const { data, error } = prove;
  return (
    <div className="ledger-prove">
      {error && <ErrorBox error={error} />}
      {data ? (
        <Proved proof={data.proof} checked={data.checked} />
      ) : (
        <Button
          small
          icon={<Stamp aria-hidden />}
          disabled={!sealed}
          title={sealed ? undefined : "The next seal covers it, within ten seconds"}
          busy={prove.isPending}
          onClick={() => prove.mutate()}
        >
          Prove
        </Button>
      )}
    </div>
  );
}

function Proved({ proof, checked }: { proof: Schema<"Inclusion">; checked: Checked | undefined }) {
  const whole = checked?.included && checked.signed !== false;
  return (
    <div className="ledger-proved" role="status">
      {checked ? (
        <Status kind={whole ? "ok" : "bad"} word={whole ? "Proved, by this browser" : "This proves nothing"} />
      ) : (
        <Status kind="info" word="Not checked: a browser computes hashes over https only" />
      )}
      <p>
        {full(proof.path.length)} hashes lead from the bytes of event {full(proof.seq)} to the root of the first{" "}
        {full(proof.size)} events
        {checked && (
          <>
            , <Id value={checked.root} what="root" />
          </>
        )}
        {checked?.signed === true && ", which the key of the ledger signed"}
        {checked?.signed === undefined &&
          checked &&
          "; its signature was not checked, as this browser knows no Ed25519"}
        .
      </p>
      <Button
        small
        icon={<FileDown aria-hidden />}
        onClick={() => download(`proof-of-event-${proof.seq}.json`, JSON.stringify(proof, null, 2))}
      >
        Proof as a file
      </Button>
    </div>
  );
}
