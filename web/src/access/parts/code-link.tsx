import type { Schema } from "../../kernel/api/types";
import { Button } from "../../ui/button";
import { Code } from "../../ui/code";
import { Dialog } from "../../ui/dialog";
import { RealTime } from "./real-time";

/** The one-time address with which somebody signs in; shown this once. */
export function CodeLink({ code, onClose }: { code: Schema<"IssuedCode">; onClose: () => void }) {
  const name = code.actor.replace(/^\w+:/, "");
  const actions = (
    <Button kind="primary" onClick={onClose}>
      Done
    </Button>
  );
  return (
    <Dialog title={`Sign-in link for ${name}`} onClose={onClose} actions={actions}>
      <p>
        Send {name} this address by a way that only they read. It signs them in once, and ends{" "}
        <RealTime at={code.expires_at} />. It is not shown again.
      </p>
      <Code command label="sign-in address" text={`${location.origin}${code.path}`} />
      <p className="muted">
        They choose a password then. As you asked for it, the session may approve nothing until they have one of their
        own.
      </p>
    </Dialog>
  );
}
