import { BOX } from "./box";
import type { Laid } from "./layout";

/** Nothing smaller is read. */
const READABLE = 0.5;
const EDGE_PX = 16;
const LEAST_PX = 160;
/** The buttons stand below what is drawn. */
const TOOLS_PX = 36;

/** As high as the picture needs to be with all of it in sight, at most `high`. */
export function fitting({ width, height }: Pick<Laid, "width" | "height">, wide: number, high: number): number {
  if (wide === 0 || width === 0) return high;
  const zoom = Math.min(1, (wide - 2 * EDGE_PX) / width);
  return Math.round(
    Math.max(
      Math.min(LEAST_PX, high),
      Math.min(high, height * Math.max(zoom, READABLE) * 1.1 + 2 * (EDGE_PX + TOOLS_PX)),
    ),
  );
}

/**
 * Where nothing could be read if all were shown, the view begins at the focus, near enough to read, and does not look beyond the
 * ends of the graph while there is more of it elsewhere; undefined where all fits.
 */
export function nearFocus({ at, width, height }: Laid, focus: string | undefined, wide: number, high: number) {
  const place = focus === undefined ? undefined : at[focus];
  if (!place || Math.min(wide / width, high / height) >= READABLE) return undefined;
  const zoom = Math.min(1, Math.max(READABLE + 0.2, (wide - 2 * EDGE_PX) / width));
  return {
    zoom,
    x: within(place.x + BOX.width / 2, width, wide, zoom),
    y: within(place.y + BOX.height / 2, height, high, zoom),
  };
}

/** How far the graph is moved so that `centre` is in the middle of the view, or as near to it as its ends allow. */
function within(centre: number, total: number, size: number, zoom: number): number {
  const drawn = total * zoom;
  if (drawn <= size - 2 * EDGE_PX) return (size - drawn) / 2;
  return Math.min(EDGE_PX, Math.max(size - drawn - EDGE_PX, size / 2 - centre * zoom));
}
