import { Ellipsis, RotateCcw } from "lucide-react";
import type { RefObject } from "react";
import type uPlot from "uplot";
import { short } from "../../kernel/number";
import { Button } from "../button";
import { Menu } from "../menu";
import { resolver } from "./colours";
import { download, downloadPng, fileName } from "./download";
import { type Joined, type Line, toCsv } from "./lines";
import { token } from "./options";

interface HeadProps {
  title: string;
  unit: string | undefined;
  xLabel: string;
  lines: readonly Line[];
  hidden: ReadonlySet<string>;
  toggle: (name: string) => void;
  chart: RefObject<uPlot | undefined>;
  joined: Joined | undefined;
  /** Where the y axis begins, when that is not zero. */
  floor: number;
  onReset: (() => void) | undefined;
}

export function ChartHead({ title, unit, xLabel, lines, hidden, toggle, chart, joined, floor, onReset }: HeadProps) {
  const shown = lines.filter(({ name }) => !hidden.has(name));
  const png = () => {
    const canvas = chart.current?.ctx.canvas;
    if (!canvas || !chart.current) return;
    const colour = resolver(chart.current.root);
    const legend = shown.map((line, i) => ({ name: line.name, colour: colour(token(line, i)) }));
    downloadPng(title, canvas, legend, colour("text"), colour("bg"));
  };
  const csv = () =>
    joined && download(fileName(title, "csv"), new Blob([toCsv(xLabel, shown, joined)], { type: "text/csv" }));
  return (
    <figcaption className="chart-head">
      <span className="chart-title">{title}</span>
      {unit && <span className="muted">{unit}</span>}
      {floor > 0 && <span className="muted">axis from {short(floor, 2)}</span>}
      <span className="chart-legend">
        {lines.length > 1 &&
          lines.map((line, i) => (
            <button
              key={line.name}
              type="button"
              aria-pressed={!hidden.has(line.name)}
              onClick={() => toggle(line.name)}
            >
              <span
                className="chart-key"
                data-dashed={line.dashed || undefined}
                style={{ color: `var(--${token(line, i)})` }}
              />
              {line.name}
            </button>
          ))}
      </span>
      {onReset && (
        <Button small kind="quiet" icon={<RotateCcw aria-hidden />} onClick={onReset}>
          Show all
        </Button>
      )}
      <Menu
        label={`${title}: download`}
        icon={<Ellipsis aria-hidden />}
        iconOnly
        kind="quiet"
        small
        items={[
          { text: "Download PNG", onSelect: png },
          { text: "Download CSV", onSelect: csv },
        ]}
      />
    </figcaption>
  );
}
