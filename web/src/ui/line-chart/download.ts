import { FONT } from "./names";

export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function fileName(title: string, extension: string): string {
  return `${
    title
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-|-$/g, "") || "chart"
  }.${extension}`;
}

interface Legend {
  name: string;
  colour: string;
}

/** The chart with its title and legend above it, on the ground that it has on the page. */
export function downloadPng(
  title: string,
  chart: HTMLCanvasElement,
  legend: readonly Legend[],
  ink: string,
  ground: string,
): void {
  const scale = devicePixelRatio;
  const head = 52 * scale;
  const canvas = document.createElement("canvas");
  canvas.width = chart.width;
  canvas.height = chart.height + head;
  const ctx = canvas.getContext("2d");
  if (!ctx) return;
  ctx.fillStyle = ground;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.textBaseline = "middle";
  ctx.fillStyle = ink;
  ctx.font = FONT.replace("12px", `600 ${14 * scale}px`);
  ctx.fillText(title, 12 * scale, 16 * scale);
  ctx.font = FONT.replace("12px", `${12 * scale}px`);
  let x = 12 * scale;
  for (const { name, colour } of legend) {
    ctx.fillStyle = colour;
    ctx.fillRect(x, 38 * scale, 12 * scale, 3 * scale);
    ctx.fillStyle = ink;
    ctx.fillText(name, x + 18 * scale, 40 * scale);
    x += ctx.measureText(name).width + 36 * scale;
  }
  ctx.drawImage(chart, 0, head);
  canvas.toBlob((png) => png && download(fileName(title, "png"), png));
}
