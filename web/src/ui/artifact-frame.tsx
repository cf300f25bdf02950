import { Download } from "lucide-react";
import { useEffect, useState } from "react";
import { bytes } from "../kernel/number";
import { Code } from "./code";
import { ErrorBox } from "./error-box";
import { Json } from "./json";
import { LogView } from "./log-view/log-view";
import { Markdown } from "./markdown/markdown";
import { separated } from "./separated";
import { Skeleton } from "./skeleton";
import { Table } from "./table";
import "./artifact-frame.css";

interface ArtifactFrameProps {
  /** With its ending, by which it is shown: "report.html". */
  name: string;
  /** Where the server gives the bytes for frames and images, with a policy that lets nothing out. */
  url: string;
  size?: number;
}

const TEXT_LIMIT = 2_000_000;

/** A file that somebody made, of which nothing is trusted: pages run in a sandbox, texts are only read. */
export function ArtifactFrame({ name, url, size }: ArtifactFrameProps) {
  return (
    <figure className="artifact">
      <figcaption>
        <span className="mono">{name}</span>
        {size !== undefined && <span className="muted">{bytes(size)}</span>}
        <a href={url} download={name.split("/").at(-1)} className="artifact-download">
          <Download size={14} aria-hidden /> Download
        </a>
      </figcaption>
      <Shown name={name} url={url} size={size ?? 0} />
    </figure>
  );
}

type Way = "page" | "still" | "image" | "markdown" | "json" | "table" | "log" | "text" | "none";

/** How a file of this name is shown. */
export function wayOf(name: string): Way {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  const ways: Record<string, Way> = {
    html: "page",
    htm: "page",
    ipynb: "still",
    md: "markdown",
    json: "json",
    log: "log",
    csv: "table",
    tsv: "table",
  };
  if (/^(png|jpe?g|gif|webp|avif|svg)$/.test(ending)) return "image";
  if (/^(txt|ya?ml|toml|ini|cfg|py|sql|r|sh|xml|lock|patch|diff)$/.test(ending)) return "text";
  return ways[ending] ?? "none";
}

function Shown({ name, url, size }: { name: string; url: string; size: number }) {
  const way = wayOf(name);
  if (way === "page") return <iframe title={name} src={url} sandbox="allow-scripts" referrerPolicy="no-referrer" />;
  if (way === "still") return <iframe title={name} src={url} sandbox="" referrerPolicy="no-referrer" />;
  if (way === "image") return <img src={url} alt={name} />;
  if (way === "none") return <p className="muted">Files of this kind are not shown here.</p>;
  if (size > TEXT_LIMIT) return <p className="muted">Too long to be read here.</p>;
  return <Text way={way} name={name} url={url} />;
}

function Text({ way, name, url }: { way: Way; name: string; url: string }) {
  const [text, setText] = useState<string>();
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const abort = new AbortController();
    setText(undefined);
    setError(null);
    fetch(url, { signal: abort.signal })
      .then((reply) => (reply.ok ? reply.text() : Promise.reject(new Error(`${name} cannot be read: ${reply.status}`))))
      .then(setText)
      .catch((failure: unknown) => abort.signal.aborted || setError(failure));
    return () => abort.abort();
  }, [name, url]);
  if (error !== null) return <ErrorBox error={error} />;
  if (text === undefined) return <Skeleton lines={6} />;
  if (way === "markdown") return <Markdown text={text} />;
  if (way === "log") return <LogView label={name} text={text} />;
  if (way === "table") return <Cells name={name} text={text} />;
  const value = way === "json" ? parsed(text) : undefined;
  return value === undefined ? <Code text={text} label={name} /> : <Json value={value} />;
}

const ROWS = 500;

/** The first rows of a table in text; the rest is in the file. */
function Cells({ name, text }: { name: string; text: string }) {
  const [heads = [], ...rows] = separated(text, name.toLowerCase().endsWith(".tsv") ? "\t" : ",", ROWS + 1);
  const columns = heads.map((head, i) => ({
    head,
    cell: (row: string[]) => row[i],
    ...(rows.length > 0 && rows.every((row) => !row[i] || !Number.isNaN(Number(row[i]))) && { align: "end" as const }),
  }));
  return (
    <>
      <Table label={name} columns={columns} rows={rows} rowKey={(_, i) => i} />
      {rows.length === ROWS && <p className="muted">The first {ROWS} rows.</p>}
    </>
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
