export type Inline =
  | { kind: "text" | "code"; text: string }
  | { kind: "strong" | "em" | "strike"; children: Inline[] }
  | { kind: "link"; to: string; children: Inline[] };

export type Block =
  | { kind: "heading"; level: number; children: Inline[] }
  | { kind: "paragraph"; children: Inline[] }
  | { kind: "code"; text: string; language: string }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; ordered: boolean; start: number; items: Block[][] }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][]; align: ("end" | undefined)[] }
  | { kind: "rule" };

const DEPTH = 12;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Markdown as a tree of what it says; HTML in it is text like any other. */
export function parse(source: string, depth = 0): Block[] {
  const lines = source.replaceAll("\r\n", "\n").split("\n");
  const blocks: Block[] = [];
  let i = 0;
  while (i < lines.length) {
    const [block, next] = readBlock(lines, i, depth);
    if (block) blocks.push(block);
    i = next;
  }
  return blocks;
}

type Read = [block: Block | undefined, next: number];

function readBlock(lines: readonly string[], i: number, depth: number): Read {
  const line = lines[i] ?? "";
  if (line.trim() === "") return [undefined, i + 1];
  const heading = HEADING.exec(line);
  if (heading) return [{ kind: "heading", level: heading[1]?.length ?? 1, children: inline(heading[2] ?? "") }, i + 1];
  if (FENCE.test(line)) return fence(lines, i);
  if (RULE.test(line)) return [{ kind: "rule" }, i + 1];
  if (depth < DEPTH && /^ {0,3}>/.test(line)) return quote(lines, i, depth);
  if (depth < DEPTH && ITEM.test(line)) return list(lines, i, depth);
  if (line.includes("|") && DIVIDER.test(lines[i + 1] ?? "") && lines[i + 1]?.includes("-")) return table(lines, i);
  return paragraph(lines, i);
}

function fence(lines: readonly string[], i: number): Read {
  const [, mark = "```", language = ""] = FENCE.exec(lines[i] ?? "") ?? [];
  let end = i + 1;
  while (end < lines.length && !(lines[end] ?? "").trim().startsWith(mark)) end++;
  return [{ kind: "code", language, text: lines.slice(i + 1, end).join("\n") }, end + 1];
}

function quote(lines: readonly string[], i: number, depth: number): Read {
  let end = i;
  while (end < lines.length && /^ {0,3}>/.test(lines[end] ?? "")) end++;
  const inner = lines.slice(i, end).map((line) => line.replace(/^ {0,3}> ?/, ""));
  return [{ kind: "quote", blocks: parse(inner.join("\n"), depth + 1) }, end];
}

function list(lines: readonly string[], i: number, depth: number): Read {
  const first = ITEM.exec(lines[i] ?? "")?.[2] ?? "-";
  const ordered = /\d/.test(first);
  const items: string[][] = [];
  let end = i;
  for (; end < lines.length; end++) {
    const line = lines[end] ?? "";
    const item = ITEM.exec(line);
    const current = items.at(-1);
    if (item && /\d/.test(item[2] ?? "") === ordered) items.push([line.slice(item[0].length)]);
    else if (current && /^\s{2,}\S/.test(line)) current.push(line.replace(/^ {2,4}/, ""));
    else if (current && line.trim() === "" && /^(\s{2,}\S| {0,3}([-*+]|\d+[.)])\s)/.test(lines[end + 1] ?? ""))
      current.push("");
    else break;
  }
  const start = ordered ? Number.parseInt(first, 10) : 1;
  return [{ kind: "list", ordered, start, items: items.map((item) => parse(item.join("\n"), depth + 1)) }, end];
}

function table(lines: readonly string[], i: number): Read {
  const align = cells(lines[i + 1] ?? "").map((cell) => (cell.endsWith(":") ? ("end" as const) : undefined));
  let end = i + 2;
  while (end < lines.length && (lines[end] ?? "").includes("|")) end++;
  const rows = lines.slice(i + 2, end).map((line) => cells(line).map(inline));
  return [{ kind: "table", head: cells(lines[i] ?? "").map(inline), rows, align }, end];
}

function cells(line: string): string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function paragraph(lines: readonly string[], i: number): Read {
  let end = i + 1;
  const stops = (line: string) =>
    line.trim() === "" || [HEADING, FENCE, RULE, ITEM].some((start) => start.test(line)) || /^ {0,3}>/.test(line);
  while (end < lines.length && !stops(lines[end] ?? "")) end++;
  const text = lines.slice(i, end).map((line) => line.trim());
  return [{ kind: "paragraph", children: inline(text.join("\n")) }, end];
}

// One alternative a construct; bounded repeats, so that no text makes it slow.
const SPAN = new RegExp(
  [
    "(?<tick>`{1,4})(?<code>[^`]{1,2000}?)\\k<tick>(?!`)",
    '!?\\[(?<name>[^\\[\\]]{0,1000})\\]\\((?<to>[^()\\s]{1,2000})(?:\\s+"[^"]{0,200}")?\\)',
    "<(?<auto>https?://[^<>\\s]{1,2000})>",
    "(?<bare>https?://[^\\s<>()\\[\\]]{1,2000}[^\\s<>()\\[\\].,;:!?'\"*_])",
    "\\*\\*(?<strong>[^\\s*](?:[^*]{0,2000}[^\\s*])?)\\*\\*",
    "~~(?<strike>[^~]{1,2000})~~",
    "(?<![\\w*])[*](?<em>[^\\s*](?:[^*]{0,2000}[^\\s*])?)[*](?!\\w)",
    "(?<![\\w_])_(?<under>[^\\s_](?:[^_]{0,2000}[^\\s_])?)_(?!\\w)",
    "\\\\(?<escaped>[!-/:-@[-`{-~])",
  ].join("|"),
  "g",
);

export function inline(text: string, depth = 0): Inline[] {
  if (depth > 4) return [{ kind: "text", text }];
  const found: Inline[] = [];
  let from = 0;
  const within = (inner: string) => inline(inner, depth + 1);
  for (const match of text.matchAll(SPAN)) {
    if (match.index > from) found.push({ kind: "text", text: text.slice(from, match.index) });
    from = match.index + match[0].length;
    const { code, name, to, auto, bare, strong, strike, em, under, escaped } = match.groups ?? {};
    const address = to ?? auto ?? bare;
    if (code !== undefined) found.push({ kind: "code", text: code.trim() });
    else if (address !== undefined)
      found.push(...link(address, name === undefined ? [{ kind: "text", text: address }] : within(name)));
    else if (strong !== undefined) found.push({ kind: "strong", children: within(strong) });
    else if (strike !== undefined) found.push({ kind: "strike", children: within(strike) });
    else if (em !== undefined || under !== undefined) found.push({ kind: "em", children: within(em ?? under ?? "") });
    else if (escaped !== undefined) found.push({ kind: "text", text: escaped });
  }
  if (from < text.length) found.push({ kind: "text", text: text.slice(from) });
  return found;
}

/** A link only where it leads to the web, to mail or within; of all others the words stay. */
function link(to: string, children: Inline[]): Inline[] {
  const safe = /^(https?:\/\/|mailto:|#|\/(?!\/)|\.{1,2}\/)/i.test(to);
  return safe ? [{ kind: "link", to, children }] : children;
}
