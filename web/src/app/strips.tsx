import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useLiveState } from "../kernel/live";
import { useProject } from "../kernel/project";
import { sessionQuery } from "../kernel/session";
import { Button } from "../ui/button";
import { Status } from "../ui/status";

/** What concerns every page, one line each above it. */
export function Strips() {
  return (
    <>
      <Connection />
      <FirstPassword />
    </>
  );
}

function Connection() {
  if (useLiveState() !== "lost") return null;
  return (
    <aside className="shell-strip" data-kind="warn" aria-label="Connection">
      <p role="status" className="row">
        <Status kind="warn" word="The connection is lost" />
        What you see may be old. It is renewed as soon as the server answers.
      </p>
    </aside>
  );
}

const PUT_OFF = "ostinato-password-put-off";

/** Who came by a one-time code has no way back in without another. */
function FirstPassword() {
  const project = useProject();
  const { data: session } = useQuery(sessionQuery);
  const [putOff, setPutOff] = useState(() => sessionStorage.getItem(PUT_OFF) !== null);
  if (session?.means !== "code" || putOff) return null;
  const putItOff = () => {
    sessionStorage.setItem(PUT_OFF, "1");
    setPutOff(true);
  };
  return (
    <aside className="shell-strip" data-kind="info" aria-label="Your sign-in">
      <span>You signed in by a one-time link.</span>
      <span className="row">
        <Link to={`/${project}/password`}>Choose a password</Link>
        <Button kind="quiet" small onClick={putItOff}>
          Not now
        </Button>
      </span>
    </aside>
  );
}
