import { useQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { useMay } from "../../kernel/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/card";
import { Empty } from "../../ui/empty";
import { Loaded } from "../../ui/loaded";
import { actorsQuery, bindingsQuery, rolesQuery } from "../queries";
import { Matrix } from "./matrix";
import { NewActor } from "./new-actor";

const WORDS = {
  person: { title: "People", add: "Invite a person" },
  service: { title: "Service accounts", add: "New service account" },
} as const;

/** Who may what in this project. */
export function Who({ kind }: { kind: "person" | "service" }) {
  const may = useMay("access:admin");
  const [adding, setAdding] = useState(false);
  const actors = useQuery(actorsQuery);
  const { data: bindings = [] } = useQuery(bindingsQuery);
  const { data: roles = [] } = useQuery(rolesQuery);
  const { title, add } = WORDS[kind];
  const aside = may && (
    <Button small icon={<UserPlus aria-hidden />} onClick={() => setAdding(true)}>
      {add}
    </Button>
  );
  return (
    <Section title={title} note={actors.data?.filter((actor) => actor.kind === kind).length} aside={aside}>
      <Loaded
        query={actors}
        isEmpty={(all) => !all.some((actor) => actor.kind === kind)}
        empty={<Empty title="None yet" command={`ostinato access create-${kind} NAME --roles viewer`} />}
      >
        {(all) => (
          <Matrix
            label={`${title} and their roles`}
            actors={all.filter((actor) => actor.kind === kind)}
            bindings={bindings}
            roles={roles}
          />
        )}
      </Loaded>
      {adding && <NewActor kind={kind} roles={roles} onClose={() => setAdding(false)} />}
    </Section>
  );
}
