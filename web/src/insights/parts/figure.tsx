import { type ReactNode, useId } from "react";

interface FigureProps {
  title: string;
  value: ReactNode;
  /** On how many cases it rests, and how they spread. */
  note: ReactNode;
  /** What is measured, from where to where. */
  about: string;
  /** A picture of the cases; without any there is none. */
  children: ReactNode;
}

/** One number of the practice with what it rests on. */
export function Figure({ title, value, note, about, children }: FigureProps) {
  const id = useId();
  return (
    <section className="figure" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p className="figure-value">{value}</p>
      <p className="figure-note">{note}</p>
      {children}
      <p className="figure-about">{about}</p>
    </section>
  );
}
