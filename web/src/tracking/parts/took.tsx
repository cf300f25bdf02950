import { duration, exact, now, time } from "../../kernel/time";

interface TookProps {
  started_at: string;
  ended_at: string | null;
  /** Seconds of real time, where known: in a replay the clock of the stamps stands still. */
  wall_s: number | null | undefined;
}

/** How long a run took, or has been taking. */
export function took({ started_at, ended_at, wall_s }: TookProps): string {
  if (wall_s != null) return duration(wall_s * 1000);
  const ms = (ended_at === null ? now() : time(ended_at)) - time(started_at);
  return ms > 0 ? duration(ms) : "–";
}

export function Took(props: TookProps) {
  const { started_at, ended_at } = props;
  return <span title={`${exact(started_at)} – ${ended_at ? exact(ended_at) : "now"}`}>{took(props)}</span>;
}
