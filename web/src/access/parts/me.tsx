import { useMutation, useQuery } from "@tanstack/react-query";
import { send } from "../../kernel/api/client";
import { useProject } from "../../kernel/project";
import { whoamiQuery } from "../../kernel/session";
import { Button, LinkButton } from "../../ui/button";
import { Section } from "../../ui/card";
import { useConfirm } from "../../ui/confirm";
import { ErrorBox } from "../../ui/error-box";
import { Facts } from "../../ui/facts";
import { Loaded } from "../../ui/loaded";
import { unlink } from "../acts";
import { waysQuery } from "../queries";
import { RealTime } from "./real-time";
import { Sessions } from "./sessions";
import { Tokens } from "./tokens";

/** How the person at the screen comes in, and from where they are in now. */
export function Me() {
  const who = useQuery(whoamiQuery);
  return (
    <Loaded query={who}>
      {(me) => (
        <div className="stack">
          <Section title="Sign-in">
            <Facts
              items={[
                ["You are", me.actor],
                ["Roles here", me.roles.join(", ") || "none"],
                ["Password", <Password key="password" has={me.has_password ?? false} linked={Boolean(me.identity)} />],
                ["Identity", <Identity key="identity" actor={me.actor} identity={me.identity} />],
              ]}
            />
          </Section>
          <Sessions actor={me.actor} />
          <Tokens actor={me.actor} />
        </div>
      )}
    </Loaded>
  );
}

function Password({ has, linked }: { has: boolean; linked: boolean }) {
  const project = useProject();
  if (linked) return "None: you sign in at your identity provider.";
  return (
    <span className="row">
      {has ? "You have one." : "You have none: without one, only a new one-time address lets you in."}
      <LinkButton small to={`/${project}/password`}>
        {has ? "Change" : "Choose"}
      </LinkButton>
    </span>
  );
}

interface IdentityProps {
  actor: string;
  identity: { issuer: string; subject: string; linked_at: string } | null | undefined;
}

function Identity({ actor, identity }: IdentityProps) {
  const confirm = useConfirm();
  const { data: ways } = useQuery(waysQuery);
  const link = useMutation({
    mutationFn: () => send("post", "/sign-in/oidc/link"),
    onSuccess: (reply) => location.assign((reply as { url: string }).url),
  });
  const provider = (ways as { issuer?: string | null } | undefined)?.issuer;
  if (!identity) {
    return (
      <span className="row">
        {provider ? `Not linked to ${provider}.` : "This server has no identity provider."}
        {provider && (
          <Button small busy={link.isPending} onClick={() => link.mutate()}>
            Link
          </Button>
        )}
        {link.error && <ErrorBox error={link.error} />}
      </span>
    );
  }
  const ask = () =>
    void confirm({
      title: "End the link to your identity provider?",
      text: "Your sessions end, and the roles that its groups brought. Without a password, only a new one-time address lets you in.",
      verb: "End the link",
      danger: true,
      act: () => unlink(actor),
    });
  return (
    <span className="row">
      <span>
        <code>{identity.subject}</code> at {identity.issuer}, <RealTime at={identity.linked_at} />
      </span>
      <Button small kind="danger" onClick={ask}>
        End the link
      </Button>
    </span>
  );
}
