/** A patch of git, its added and removed lines told apart by sign and colour. */
export function Patch({ text }: { text: string }) {
  const lines = text.replace(/\n$/, "").split("\n").slice(0, MOST);
  return (
    <pre className="run-patch" tabIndex={0} role="region" aria-label="Lines of the patch">
      {lines.map((line, i) => (
        <code key={i} data-line={kindOf(line)}>
          {line || " "}
        </code>
      ))}
    </pre>
  );
}

const MOST = 5000;

function kindOf(line: string): string | undefined {
  if (/^(diff|index|---|\+\+\+|new|deleted|similarity|rename)\b|^(---|\+\+\+) /.test(line)) return "file";
  if (line.startsWith("@@")) return "place";
  return line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : undefined;
}
