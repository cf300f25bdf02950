import {
  Activity,
  BadgeCheck,
  Boxes,
  ChartNoAxesColumn,
  Database,
  FlaskConical,
  House,
  type LucideIcon,
  Radio,
  ScrollText,
  Waypoints,
  Workflow,
} from "lucide-react";

interface Place {
  label: string;
  /** Below the project. */
  path: string;
  icon: LucideIcon;
  /** Paths of pages that belong to it. */
  holds?: RegExp;
}

/** In the order of the lifecycle: the way of a model, read from top to bottom. */
export const PLACES: readonly Place[] = [
  { label: "Home", path: "", icon: House },
  { label: "Data", path: "data", icon: Database },
  { label: "Features", path: "features", icon: Boxes },
  { label: "Runs", path: "runs", icon: FlaskConical },
  { label: "Traces", path: "traces", icon: Waypoints },
  { label: "Pipelines", path: "pipelines", icon: Workflow, holds: /^executions/ },
  { label: "Models", path: "models", icon: BadgeCheck, holds: /^(evaluations|explanations)/ },
  { label: "Endpoints", path: "endpoints", icon: Radio, holds: /^predictions/ },
  { label: "Monitors", path: "monitors", icon: Activity, holds: /^(findings|windows)/ },
  { label: "Ledger", path: "ledger", icon: ScrollText, holds: /^lineage/ },
  { label: "Insights", path: "insights", icon: ChartNoAxesColumn },
];

/** Further pages, which the palette knows as well. */
export const FURTHER: readonly Place[] = [
  { label: "Findings", path: "findings", icon: Activity },
  { label: "Deleted runs", path: "runs/deleted", icon: FlaskConical },
  { label: "Executions", path: "executions", icon: Workflow },
  { label: "Access", path: "access", icon: Waypoints },
];
