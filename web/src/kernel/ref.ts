/** A kind, a name and perhaps a version: `model:late@7`, `run:01J…`, `endpoint:late`. */
export interface Ref {
  kind: string;
  name: string;
  at?: string;
}

const SHAPE = /^([a-z][a-z_]{0,31}):([A-Za-z0-9][A-Za-z0-9._/+=%-]{0,199})(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,63}))?$/;

export function parse(text: string): Ref | undefined {
  const found = SHAPE.exec(text);
  if (!found) return undefined;
  const [, kind = "", name = "", at] = found;
  return at === undefined ? { kind, name } : { kind, name, at };
}

type Place = (name: string, at: string | undefined) => string;
const part = encodeURIComponent;

/** Where each kind of thing has its page, below the project. */
const PLACES: Record<string, Place> = {
  dataset: (name, at) => `data/${part(name)}${at ? `?version=${part(at)}` : ""}`,
  feature: (name) => `features/${part(name)}`,
  run: (name) => `runs/${part(name)}`,
  trace: (name) => `traces/${part(name)}`,
  evalset: (name) => `evalsets/${part(name)}`,
  pipeline: (name) => `pipelines/${part(name)}`,
  execution: (name) => `executions/${part(name)}`,
  model: (name, at) => `models/${part(name)}${at ? `/versions/${part(at)}` : ""}`,
  evaluation: (name) => `evaluations/${part(name)}`,
  explanation: (name) => `explanations/${part(name)}`,
  endpoint: (name) => `endpoints/${part(name)}`,
  rollout: (name) => `rollouts/${part(name)}`,
  prediction: (name) => `predictions/${part(name)}`,
  monitor: (name) => `monitors/${part(name)}`,
  window: (name) => `windows/${part(name)}`,
  finding: (name) => `findings?finding=${part(name)}`,
  alert: (name) => `findings?alert=${part(name)}`,
  event: (name) => `ledger?event=${part(name)}`,
  person: (name) => `access?actor=${part(`person:${name}`)}`,
  service: (name) => `access?actor=${part(`service:${name}`)}`,
};

/** The page of a thing; what has none is shown with its lineage. */
export function href(project: string, to: string | Ref): string {
  const ref = typeof to === "string" ? parse(to) : to;
  if (!ref) return `/${part(project)}/r/${part(String(to))}`;
  const place = PLACES[ref.kind];
  const below = place ? place(ref.name, ref.at) : `lineage/${part(format(ref))}`;
  return `/${part(project)}/${below}`;
}

export function format(ref: Ref): string {
  return `${ref.kind}:${ref.name}${ref.at === undefined ? "" : `@${ref.at}`}`;
}
