import { choice } from "../kernel/url";

export const FIELDS = { days: choice("365", "90", "30") };
export const WINDOWS = [
  { value: "30", text: "30 d" },
  { value: "90", text: "90 d" },
  { value: "365", text: "1 year" },
] as const;
