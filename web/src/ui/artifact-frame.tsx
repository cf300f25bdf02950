import { Download } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { bytes } from "../kernel/number";
import { Code } from "./code";
import { ErrorBox } from "./error-box";
import { Json } from "./json";
import { LogView } from "./log-view/log-view";
import { Markdown } from "./markdown/markdown";
import { Notebook } from "./notebook";
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
  /** Shown in place of the file itself, of kinds that a browser cannot read. */
  children?: ReactNode;
}

/** More of a text is not read, however long it is; what must be whole to be understood is shown up to the second. */
const TEXT_LIMIT = 1_000_000;
const WHOLE_LIMIT = 20_000_000;

/** A file that somebody made, of which nothing is trusted: pages run in a sandbox, texts are only read. */
export function ArtifactFrame({ name, url, size, children }: ArtifactFrameProps) {
  return (
    <figure className="artifact">
      <figcaption>
        <h2 className="artifact-name mono">{name}</h2>
        {size !== undefined && <span className="muted">{bytes(size)}</span>}
        <a href={url} download={name.split("/").at(-1)} className="artifact-download">
          <Download size={14} aria-hidden /> Download
        </a>
      </figcaption>
      {children || <Shown name={name} url={url} size={size ?? 0} />}
    </figure>
  );
}

type Way = "page" | "notebook" | "image" | "sound" | "markdown" | "json" | "table" | "log" | "text" | "none";

/** How a file of this name is shown. */
export function wayOf(name: string): Way {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  const ways: Record<string, Way> = {
    html: "page",
    htm: "page",
    ipynb: "notebook",
    md: "markdown",
    json: "json",
    log: "log",
    csv: "table",
    tsv: "table",
  };
  if (/^(png|jpe?g|gif|webp|avif|svg)$/.test(ending)) return "image";
  if (/^(wav|mp3|ogg|opus|flac|m4a)$/.test(ending)) return "sound";
  if (/^(txt|ya?ml|toml|ini|cfg|py|sql|r|sh|xml|lock|patch|diff)$/.test(ending)) return "text";
  return ways[ending] ?? "none";
}

const WHOLE: ReadonlySet<Way> = new Set(["json", "notebook"]);

function Shown({ name, url, size }: { name: string; url: string; size: number }) {
  const way = wayOf(name);
  if (way === "page") return <iframe title={name} src={url} sandbox="allow-scripts" referrerPolicy="no-referrer" />;
  if (way === "image") return <img src={url} alt={name} />;
  // biome-ignore lint/a11y/useMediaCaption: what a run recorded has none
  if (way === "sound") return <audio src={url} controls preload="metadata" aria-label={name} />;
  if (way === "none") return <p className="muted">Files of this kind are not shown here.</p>;
  if (WHOLE.has(way) && size > WHOLE_LIMIT) return <p className="muted">Too long to be read here.</p>;
  return <Text way={way} name={name} url={url} />;
}

function Text({ way, name, url }: { way: Way; name: string; url: string }) {
  const [found, setFound] = useState<Head>();
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const abort = new AbortController();
    setFound(undefined);
    setError(null);
    fetch(url, { signal: abort.signal })
      .then((reply) => {
        if (!reply.ok) throw new Error(`${name} cannot be read: ${reply.status}`);
        return head(reply, WHOLE.has(way) ? WHOLE_LIMIT : TEXT_LIMIT);
      })
      .then(setFound)
      .catch((failure: unknown) => abort.signal.aborted || setError(failure));
    return () => abort.abort();
  }, [name, url, way]);
  if (error !== null) return <ErrorBox error={error} />;
  if (found === undefined) return <Skeleton lines={6} />;
  return (
    <>
      <Read way={way} name={name} text={found.text} />
      {found.more && <p className="muted">The first {bytes(TEXT_LIMIT)}; the rest is in the file.</p>}
    </>
  );
}

interface Head {
  text: string;
  more: boolean;
}

/** The beginning of a reply, of which no more is fetched than is asked for. */
async function head(reply: Response, most: number): Promise<Head> {
  const reader = reply.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let read = 0; reader; ) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), more: false };
    text += decoder.decode(value.subarray(0, most - read), { stream: true });
    read += value.length;
    if (read > most) {
      await reader.cancel();
      return { text: text.slice(0, text.lastIndexOf("\n") + 1 || undefined), more: true };
    }
  }
  return { text, more: false };
}

function Read({ way, name, text }: { way: Way; name: string; text: string }) {
  if (way === "notebook") return <Notebook value={parsed(text)} />;
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
      <Table label={name} columns={columns} rows={rows} rowKey={(_, i) => i} raw />
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
