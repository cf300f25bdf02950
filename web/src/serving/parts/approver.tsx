import { RefLink } from "../../ui/ref-link";

interface ApproverProps {
  by: readonly string[];
  reasons: readonly string[];
}

/** Who approved, and the reasons that they gave. */
export function Approver({ by, reasons }: ApproverProps) {
  const given = reasons.filter(Boolean);
  if (by.length === 0) return <>nobody</>;
  return (
    <>
      {by.map((who, i) => (
        <span key={who}>
          {i > 0 && ", "}
          <Who text={who} />
        </span>
      ))}
      {given.length > 0 && <span className="serving-reason">“{given.join("”, “")}”</span>}
    </>
  );
}

/** `person:ben`, or `policy:late@1 (person:ben)`: a policy that a person declared. */
function Who({ text }: { text: string }) {
  const [, policy, person] = /^(policy:\S+) \((\S+)\)$/.exec(text) ?? [];
  if (!policy || !person) return <RefLink to={text} />;
  return (
    <>
      <RefLink to={policy} /> <span className="muted">declared by</span> <RefLink to={person} />
    </>
  );
}
