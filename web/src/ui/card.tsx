import { type ReactNode, useId } from "react";
import "./card.css";

interface CardProps {
  title: ReactNode;
  /** A count or a word beside the title, quieter than it. */
  note?: ReactNode;
  /** Controls at the right end of the title's line. */
  aside?: ReactNode;
  children: ReactNode;
}

/** A part of a page under a hairline; the usual way to divide one. */
export function Section(props: CardProps) {
  return <Part {...props} className="section" />;
}

/** A bordered box, for parts that stand beside each other; never inside another one. */
export function Card(props: CardProps) {
  return <Part {...props} className="card" />;
}

function Part({ title, note, aside, children, className }: CardProps & { className: string }) {
  const id = useId();
  return (
    <section className={className} aria-labelledby={id}>
      <header className="card-head">
        <h2 id={id}>{title}</h2>
        {note !== undefined && <span className="card-note">{note}</span>}
        {aside && <div className="card-aside">{aside}</div>}
      </header>
      <div className="card-body">{children}</div>
    </section>
  );
}
