import { choice, text } from "../kernel/url";

export const TRACES = {
  filter: text(),
  state: choice("any", "ok", "error", "in_progress"),
  span: choice("24h", "1h", "7d", "30d"),
  sort: text("-started_at"),
  chart: choice("latency", "traces", "tokens", "cost"),
};

export const TRACE = { span: text(), tab: choice("data", "attributes", "events") };
