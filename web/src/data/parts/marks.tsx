import "./marks.css";

export interface Mark {
  key: string;
  bad: boolean;
  /** On hover. */
  title: string;
}

interface MarksProps {
  label: string;
  marks: readonly Mark[];
  /** Leaves room for so many, so that the newest of several lines stand below each other. */
  room?: number;
}

/** What went well and what did not, one sign each, the oldest first: told apart by form as well as by colour. */
export function Marks({ label, marks, room = 0 }: MarksProps) {
  const before = Math.max(0, room - marks.length) * STEP;
  return (
    <svg className="marks" width={before + marks.length * STEP} height={16} role="img" aria-label={label}>
      {marks.map(({ key, bad, title }, i) => (
        <g key={key} data-kind={bad ? "bad" : "ok"} transform={`translate(${before + i * STEP} 0)`}>
          <title>{title}</title>
          <rect className="marks-place" width={STEP} height={16} />
          {bad ? <path d="M2 4.5l7 7m0-7l-7 7" /> : <rect x={2} y={2} width={7} height={12} rx={1} />}
        </g>
      ))}
    </svg>
  );
}

const STEP = 12;
