import { Code } from "../../ui/code";

/** A store in which nothing is yet: three steps, each a command, from this computer to a first model. */
export function Begin({ command }: { command: string }) {
  const steps = [
    {
      title: "Sign this computer in",
      text: "In a terminal where Ostinato is installed. Your browser asks you once; all commands after that talk to this server.",
      command: `ostinato login --url ${location.origin}`,
    },
    {
      title: "Bring data, under a contract",
      text: "What every delivery must be: its key, and checks that put it into quarantine where it is not.",
      command: `ostinato datasets create --name flights --contract '{"key": ["id"], "checks": []}'`,
    },
    {
      title: "Say what the model is for",
      text: "Its versions come from runs, pass the gates that you set, are approved by a second person, and go live.",
      command: command || "ostinato models create --name NAME",
    },
  ];
  return (
    <section className="begin" aria-labelledby="begin">
      <h2 id="begin">Three steps to the first loop</h2>
      <p className="begin-lead">
        Data is delivered, a model learns from it, goes live, and is watched until the data says that it should learn
        again. This page shows how each of your loops turns.
      </p>
      <ol>
        {steps.map(({ title, text, command: typed }, i) => (
          <li key={title}>
            <span className="begin-number" aria-hidden>
              {i + 1}
            </span>
            <h3>{title}</h3>
            <p>{text}</p>
            <Code command text={typed} label={title} />
          </li>
        ))}
      </ol>
      <div className="begin-demo">
        <p>Or look at a year of it first: flights of 2013, replayed month by month into a store of their own.</p>
        <Code command text="ostinato demo --data ./flights-2013" label="the demo" />
      </div>
    </section>
  );
}
