import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { send } from "../../kernel/api/client";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Code } from "../../ui/code";
import { useConfirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { ErrorBox } from "../../ui/error-box";
import { Loaded } from "../../ui/loaded";
import { RefLink } from "../../ui/ref-link";
import { Table } from "../../ui/table";
import { keysQuery, urlQuery } from "../queries";

/** Who may ask the endpoint, and how it is asked. */
export function Keys({ endpoint }: { endpoint: string }) {
  const keys = useQuery(keysQuery(endpoint));
  const url = useQuery(urlQuery(endpoint));
  const made = useNewKey(endpoint);
  return (
    <div className="stack">
      <Section title="Keys" aside={<NewKey make={made.mutate} busy={made.isPending} />}>
        {made.data && (
          <div className="serving-secret" role="status">
            <p>Copy the new key now: it is shown once, only its hash is stored.</p>
            <Code text={made.data.secret} label="The new key" />
          </div>
        )}
        {made.error && <ErrorBox error={made.error} />}
        <Loaded query={keys} empty={<Empty title="No keys yet" command={`ostinato endpoints key ${endpoint}`} />}>
          {(names) => (
            <Table
              label="Keys of the endpoint"
              rows={names}
              rowKey={(name) => name}
              columns={[
                { head: "Owner", cell: (name) => <RefLink to={owner(name)} /> },
                { head: "Name", grow: true, cell: (name) => <code>{name.slice(owner(name).length + 1)}</code> },
                {
                  head: "Acts",
                  quiet: true,
                  align: "end",
                  cell: (name) => <Revoke {...{ endpoint, name }} />,
                },
              ]}
            />
          )}
        </Loaded>
      </Section>
      <Section title="Example request" note="Open Inference Protocol V2">
        <Loaded query={url}>
          {(address) => (
            <Code
              command
              label="Request with curl"
              text={`curl ${address}/v2/models/${endpoint}/infer -H "Authorization: Bearer $KEY" -d @request.json`}
            />
          )}
        </Loaded>
      </Section>
    </div>
  );
}

/** `person:ana/laptop` is ana's. */
function owner(name: string): string {
  return name.slice(0, name.lastIndexOf("/"));
}

function useNewKey(endpoint: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (name: string) =>
      send("post", "/endpoints/{endpoint}/key", { path: { endpoint }, body: name ? { name } : {} }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["serving", "keys"] }),
  });
}

function NewKey({ make, busy }: { make: (name: string) => void; busy: boolean }) {
  const may = useMay("endpoint:invoke");
  const [name, setName] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make(name);
  };
  return (
    <form className="row serving-new-key" onSubmit={submit}>
      <input
        aria-label="Name of the new key"
        placeholder="name"
        value={name}
        onChange={({ target }) => setName(target.value)}
      />
      <Button
        small
        type="submit"
        icon={<Plus aria-hidden />}
        disabled={!may}
        title={may ? "" : "needs the permission endpoint:invoke"}
        busy={busy}
      >
        New key
      </Button>
    </form>
  );
}

function Revoke({ endpoint, name }: { endpoint: string; name: string }) {
  const may = useMay("endpoint:deploy");
  const confirm = useConfirm();
  const queries = useQueryClient();
  const ask = () =>
    confirm({
      title: `Revoke ${name}?`,
      text: "It stops working at once: requests with it are refused.",
      verb: "Revoke",
      danger: true,
      act: async () => {
        await send("delete", "/endpoints/{endpoint}/keys/{key}", { path: { endpoint, key: name } });
        await queries.invalidateQueries({ queryKey: ["serving", "keys"] });
      },
    });
  return (
    <Button
      small
      kind="quiet"
      icon={<X aria-hidden />}
      disabled={!may}
      title={may ? "" : "needs endpoint:deploy"}
      onClick={ask}
    >
      Revoke
    </Button>
  );
}
