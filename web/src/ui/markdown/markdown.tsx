import { type ReactNode, useMemo } from "react";
import { parse as parseRef } from "../../kernel/ref";
import { Code } from "../code";
import { RefLink } from "../ref-link";
import { TableFrame } from "../table";
import { type Block, type Inline, parse } from "./parse";
import "./markdown.css";

interface MarkdownProps {
  text: string;
  /** The level that the text's first headings take on the page; 3 unless told, below a section's. */
  level?: number;
}

/** Text that people write, as elements: no HTML passes, and a Ref in code is a link to its page. */
export function Markdown({ text, level = 3 }: MarkdownProps) {
  const blocks = useMemo(() => parse(text), [text]);
  return (
    <div className="markdown">
      {blocks.map((block, i) => (
        <Part key={i} block={block} level={level} place={i + 1} />
      ))}
    </div>
  );
}

function Part({ block, level, place }: { block: Block; level: number; place: number }): ReactNode {
  switch (block.kind) {
    case "heading": {
      const Heading = `h${Math.min(6, block.level + level - 1)}` as "h3";
      return <Heading data-level={block.level}>{words(block.children)}</Heading>;
    }
    case "paragraph":
      return <p>{words(block.children)}</p>;
    case "code":
      return <Code text={block.text} label={block.language || "code"} />;
    case "quote":
      return <blockquote>{parts(block.blocks, level)}</blockquote>;
    case "rule":
      return <hr />;
    case "list": {
      const items = block.items.map((item, i) => <li key={i}>{tight(item) ?? parts(item, level)}</li>);
      return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
    }
    case "table":
      return <MarkdownTable {...block} label={`table ${place}`} />;
  }
}

function MarkdownTable({ head, rows, align, label }: Extract<Block, { kind: "table" }> & { label: string }) {
  return (
    <TableFrame label={label}>
      <table className="table">
        {head.some((cell) => cell.length > 0) && (
          <thead>
            <tr>
              {head.map((cell, i) =>
                cell.length === 0 ? (
                  <td key={i} />
                ) : (
                  <th key={i} scope="col" data-align={align[i]}>
                    {words(cell)}
                  </th>
                ),
              )}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {head.map((_, j) => (
                <td key={j} data-align={align[j]}>
                  {words(row[j] ?? [])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function parts(blocks: readonly Block[], level: number): ReactNode {
  return blocks.map((block, i) => <Part key={i} block={block} level={level} place={i + 1} />);
}

/** An entry of one paragraph stands without a paragraph's distances. */
function tight([only, ...more]: readonly Block[]): ReactNode {
  return only?.kind === "paragraph" && more.length === 0 ? words(only.children) : undefined;
}

function words(pieces: readonly Inline[]): ReactNode {
  return pieces.map((piece, i) => <Piece key={i} piece={piece} />);
}

function Piece({ piece }: { piece: Inline }): ReactNode {
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "code":
      return parseRef(piece.text) ? <RefLink to={piece.text} /> : <code>{piece.text}</code>;
    case "strong":
      return <strong>{words(piece.children)}</strong>;
    case "em":
      return <em>{words(piece.children)}</em>;
    case "strike":
      return <s>{words(piece.children)}</s>;
    case "link":
      return (
        <a href={piece.to} {...(piece.to.startsWith("http") && { target: "_blank", rel: "noopener noreferrer" })}>
          {words(piece.children)}
        </a>
      );
  }
}
