import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Code } from "../../ui/code";
import { Dialog } from "../../ui/dialog";
import { RealTime } from "./real-time";

/** The secret of a new token; shown this once. */
export function Secret({ issued, onClose }: { issued: Schema<"IssuedToken">; onClose: () => void }) {
  const { token, secret } = issued;
  const actions = (
    <Button kind="primary" onClick={onClose}>
      I have saved it
    </Button>
  );
  return (
    <Dialog title={`The token ${token.name || token.id}`} onClose={onClose} actions={actions}>
      <p>
        It speaks for {token.actor} and ends <RealTime at={token.expires_at} />. It is kept nowhere and not shown again:
        take it now.
      </p>
      <Code command label="token" text={secret} />
      <p className="muted">For the command line and Python:</p>
      <Code label="environment" text={`export OSTINATO_URL=${location.origin}\nexport OSTINATO_TOKEN=${secret}`} />
      {token.delegated && <p>You issued it for another: it approves no model.</p>}
    </Dialog>
  );
}
