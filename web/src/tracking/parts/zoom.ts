import type { Field } from "../../kernel/url";
import type { Range } from "../../ui/line-chart/lines";

/** The span of x in view, kept in the address as `120~480`. */
export function zoomField(): Field<Range | undefined> {
  return {
    read: ([given]) => {
      const [low, high] = (given ?? "").split("~").map((part) => (part === "" ? Number.NaN : Number(part)));
      return low !== undefined && high !== undefined && low < high ? [low, high] : undefined;
    },
    write: (range) => (range ? [range.map((end) => String(Math.round(end))).join("~")] : undefined),
  };
}
