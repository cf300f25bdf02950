import "./skeleton.css";

interface SkeletonProps {
  lines?: number;
  /** Holds the place of a chart: one block of so many pixels. */
  height?: number;
}

/** Holds the place of what is on its way; shows itself only after a moment, so that what is quick does not flash. */
export function Skeleton({ lines = 4, height }: SkeletonProps) {
  if (height !== undefined) {
    return (
      <div className="skeleton" role="status">
        <span className="sr-only">Loading</span>
        <span className="skeleton-block" style={{ height }} />
      </div>
    );
  }
  return (
    <div className="skeleton" role="status">
      <span className="sr-only">Loading</span>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} className="skeleton-line" style={{ width: `${WIDTHS[i % WIDTHS.length]}%` }} />
      ))}
    </div>
  );
}

const WIDTHS = [62, 88, 74, 94, 55, 81];
