import { Code } from "./code";
import { pieces } from "./log-view/ansi";
import { Markdown } from "./markdown/markdown";
import "./notebook.css";

interface Output {
  output_type: string;
  text?: Lines;
  data?: Record<string, Lines>;
  ename?: string;
  evalue?: string;
  traceback?: string[];
}

interface Cell {
  cell_type: string;
  source: Lines;
  execution_count?: number | null;
  outputs?: Output[];
}

type Lines = string | string[];
const MOST = 400;
const TEXT = 20_000;
const PICTURE = /^image\/(png|jpeg|gif)$/;

/** A Jupyter notebook as text and pictures: nothing of it runs, and what it made of HTML is left out. */
export function Notebook({ value }: { value: unknown }) {
  const cells = cellsOf(value);
  if (!cells) return <p className="muted">This is no notebook of format 4.</p>;
  return (
    <div className="notebook">
      {cells.slice(0, MOST).map((cell, i) => (
        <Part key={i} cell={cell} />
      ))}
      {cells.length > MOST && (
        <p className="muted">
          The first {MOST} of {cells.length} cells.
        </p>
      )}
    </div>
  );
}

function Part({ cell: { cell_type, source, execution_count, outputs = [] } }: { cell: Cell }) {
  if (cell_type === "markdown") return <Markdown text={joined(source)} />;
  return (
    <div className="notebook-cell">
      <span className="notebook-count">{execution_count ?? " "}</span>
      <div className="notebook-parts">
        {joined(source) && <Code text={joined(source)} label={`Input ${execution_count ?? ""}`} />}
        {outputs.map((output, i) => (
          <Told key={i} output={output} />
        ))}
      </div>
    </div>
  );
}

function Told({ output: { output_type, text, data = {}, ename, evalue, traceback } }: { output: Output }) {
  if (output_type === "stream") return <Text text={joined(text)} />;
  if (output_type === "error") return <Text text={traceback?.join("\n") || `${ename}: ${evalue}`} bad />;
  const picture = Object.keys(data).find((kind) => PICTURE.test(kind));
  if (picture)
    return (
      <img
        src={`data:${picture};base64,${joined(data[picture]).replace(/\s/g, "")}`}
        alt={joined(data["text/plain"])}
      />
    );
  if (data["text/markdown"]) return <Markdown text={joined(data["text/markdown"])} />;
  if (data["text/plain"]) return <Text text={joined(data["text/plain"])} />;
  return <p className="muted">{Object.keys(data)[0] ?? output_type} is not shown here.</p>;
}

function Text({ text, bad = false }: { text: string; bad?: boolean }) {
  return (
    <pre className="notebook-text" data-bad={bad || undefined}>
      {pieces(text.slice(0, TEXT)).map(({ text: part, colour, bold }, i) => (
        <span key={i} style={{ ...(colour && { color: `var(--${colour})` }), ...(bold && { fontWeight: 600 }) }}>
          {part}
        </span>
      ))}
      {text.length > TEXT && "…"}
    </pre>
  );
}

/** The cells of a notebook; undefined for what is none. */
export function cellsOf(value: unknown): Cell[] | undefined {
  if (typeof value !== "object" || value === null || !("cells" in value) || !Array.isArray(value.cells))
    return undefined;
  return value.cells.filter(
    (cell): cell is Cell => typeof cell === "object" && cell !== null && "cell_type" in cell && "source" in cell,
  );
}

/** Texts stand in notebooks whole or by lines; anything else is no text. */
function joined(text: Lines | undefined): string {
  if (Array.isArray(text)) return text.filter((line) => typeof line === "string").join("");
  return typeof text === "string" ? text : "";
}
