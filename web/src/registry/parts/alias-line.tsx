import { Link } from "@tanstack/react-router";
import type { CSSProperties, ReactNode } from "react";
import { useProject } from "../../kernel/project";
import { href } from "../../kernel/ref";
import { date, exact, type Instant, now, time } from "../../kernel/time";
import { useWidth } from "../../ui/size";
import { type AliasMark, kindOf, type VersionLine } from "./standing";
import { calendar } from "./time-line";
import "./alias-line.css";

interface AliasLineProps {
  moves: readonly AliasMark[];
  versions: readonly VersionLine[];
  from: string;
  /** The moment that the page is asked for; what came later is not known to it. */
  at: string | undefined;
  onPick: (day: string) => void;
}

/** Which version each alias named when, and when versions came; a click shows the page as of that day. */
export function AliasLine({ moves, versions, from, at, onPick }: AliasLineProps) {
  const [ref, width] = useWidth();
  const [start, end] = [time(from), now()];
  const place = (instant: Instant) => (100 * (time(instant) - start)) / (end - start || 1);
  const ticks = calendar(start, end, Math.floor(width / 48)).filter(
    ({ at: day }) => (width * (100 - place(day))) / 100 > 36,
  );
  const lane = {
    later: at === undefined ? undefined : place(at),
    onPick: (share: number) => onPick(date(start + share * (end - start))),
  };
  return (
    <div className="alias-line">
      {[...new Set(moves.map((mark) => mark.alias))].map((alias) => (
        <Lane key={alias} name={alias} {...lane}>
          {moves
            .filter((mark) => mark.alias === alias)
            .map((mark) => (
              <Span
                key={mark.since}
                mark={mark}
                from={place(mark.since)}
                to={place(mark.until ?? at ?? end)}
                wide={width}
              />
            ))}
        </Lane>
      ))}
      <Lane name="registered" {...lane}>
        {versions.map((line) => (
          <span
            key={line.version}
            role="img"
            className="alias-mark"
            data-kind={kindOf(line.state)}
            style={{ left: `${place(line.registered_at)}%` }}
            title={`version ${line.version} registered ${exact(line.registered_at)} by ${line.author}, ${line.state}`}
            aria-label={`Version ${line.version}, registered ${date(line.registered_at)}, ${line.state}`}
          />
        ))}
      </Lane>
      <div className="alias-lane" aria-hidden>
        <div ref={ref} className="alias-lane-axis">
          {ticks.map((tick) => (
            <span key={tick.at} style={{ left: `${place(tick.at)}%` }}>
              {tick.text}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}

const FINGER = 26;

/** The time that an alias named a version: a link where it can be hit; the table of versions has them all. */
function Span({ mark, from, to, wide }: { mark: AliasMark; from: number; to: number; wide: number }) {
  const project = useProject();
  const look = {
    className: "alias-span",
    "data-open": mark.until === null || undefined,
    style: across(from, to),
    title: spoken(mark),
    "aria-label": `${mark.alias}: ${spoken(mark)}`,
  };
  if ((wide * (to - from)) / 100 < FINGER) return <span role="img" {...look} />;
  return (
    <Link to={href(project, mark.ref)} {...look}>
      {mark.version}
    </Link>
  );
}

interface LaneProps {
  name: string;
  /** From here on, in percent, nothing is known. */
  later: number | undefined;
  onPick: (share: number) => void;
  children: ReactNode;
}

function Lane({ name, later, onPick, children }: LaneProps) {
  return (
    <div className="alias-lane">
      <span className="alias-lane-name">{name}</span>
      <div className="alias-lane-track">
        {/* For the mouse; by keyboard there is the field at the head of the page. */}
        <button
          type="button"
          className="alias-pick"
          tabIndex={-1}
          aria-hidden
          onClick={({ currentTarget, clientX }) => {
            const { left, width } = currentTarget.getBoundingClientRect();
            onPick((clientX - left) / width);
          }}
        />
        {children}
        {later !== undefined && <span className="alias-later" style={across(later, 100)} title="later" />}
      </div>
    </div>
  );
}

function across(left: number, right: number): CSSProperties {
  return { left: `${left}%`, width: `${Math.max(0.2, right - left)}%` };
}

function spoken({ version, since, until, by, how }: AliasMark): string {
  const act = how === "rolled_back" ? "rolled back to" : how === "promoted" ? "promoted" : "promoted without approval";
  return `version ${version} from ${date(since)} to ${until ? date(until) : "now"}, ${act} by ${by}`;
}
