import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { Schema } from "../../kernel/api/types";
import { full, short } from "../../kernel/number";
import { exact } from "../../kernel/time";
import { useWidth } from "../../ui/size";
import "./strip.css";

type Mark = Schema<"DeliveryMark">;

interface StripProps {
  deliveries: readonly Mark[];
  /** Whether this delivery is the one shown below. */
  shown: (delivery: Mark) => boolean;
  /** Where a delivery is shown. */
  to: (delivery: Mark) => string;
}

const LEAST = 26;
const MOST = 72;
const WORD = 62;
const HEIGHT = 64;

/** The deliveries as they came, each as tall as it has rows; what was refused is hollow and crossed. */
export function DeliveryStrip({ deliveries, shown, to }: StripProps) {
  const [ref, width] = useWidth();
  const end = useRef<HTMLOListElement>(null);
  const top = Math.max(1, ...deliveries.map(({ rows }) => rows));
  const slot = Math.min(MOST, Math.max(LEAST, Math.floor(width / Math.max(1, deliveries.length))));
  const every = Math.max(1, Math.ceil((2 * WORD) / slot) - 1); // the last word ends with its bar, the others begin with theirs
  // biome-ignore lint/correctness/useExhaustiveDependencies: the newest come into view when they come
  useEffect(() => {
    if (end.current) end.current.scrollLeft = end.current.scrollWidth;
  }, [deliveries.length, width]);
  return (
    <div ref={ref} className="delivery-strip">
      <p className="delivery-top">{short(top)} rows</p>
      <ol ref={end} className="delivery-bars">
        {deliveries.map((delivery, i) => (
          <li key={`${delivery.key} ${delivery.attempt}`} style={{ width: slot }}>
            <Link
              to={to(delivery)}
              replace
              resetScroll={false}
              className="delivery-bar"
              data-kind={delivery.state === "accepted" ? "ok" : "bad"}
              aria-current={shown(delivery) || undefined}
              aria-label={`${delivery.key}, attempt ${delivery.attempt}, ${delivery.state}`}
              title={told(delivery)}
            >
              <span style={{ height: Math.max(2, (delivery.rows / top) * HEIGHT) }}>
                {delivery.state === "quarantined" && <Cross />}
              </span>
            </Link>
            <span className="delivery-word" data-shown={shown(delivery) || undefined} aria-hidden>
              {(deliveries.length - 1 - i) % every === 0 && delivery.key}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Cross() {
  return (
    <svg width={12} height={12} aria-hidden>
      <path d="M2 2l8 8m0-8l-8 8" />
    </svg>
  );
}

function told({ key, attempt, state, rows, version, delivered_at, checks }: Mark): string {
  const failed = checks.filter(({ passed }) => !passed).map(({ check, columns }) => `${check} ${columns.join(", ")}`);
  const then = state === "accepted" ? `accepted as version ${version}` : `quarantined: ${failed.join("; ")}`;
  return `${key}, attempt ${attempt}, ${exact(delivered_at)}\n${full(rows)} rows, ${then}`;
}
