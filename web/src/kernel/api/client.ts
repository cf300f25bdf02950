import { errorOf, Unreachable } from "./errors";
import type { paths } from "./schema";

const ROOT = "/api/v1";
type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths that take a method, without the root. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: object }
    ? P extends `${typeof ROOT}${infer Rest}`
      ? Rest
      : never
    : never;
}[keyof paths];
type Operation<M extends Method, P extends string> = `${typeof ROOT}${P}` extends keyof paths
  ? M extends keyof paths[`${typeof ROOT}${P}`]
    ? paths[`${typeof ROOT}${P}`][M]
    : never
  : never;

/** Lets `undefined` stand for what is left out. */
type Loose<T> = { [K in keyof T as Record<string, never> extends Pick<T, K> ? never : K]: T[K] } & {
  [K in keyof T as Record<string, never> extends Pick<T, K> ? K : never]?: T[K] | undefined;
};
type Part<O, Place extends string> = O extends { parameters: { [K in Place]: infer T } }
  ? { [K in Place]: Loose<T> }
  : O extends { parameters: { [K in Place]?: infer T } }
    ? [T] extends [undefined]
      ? Record<never, never>
      : { [K in Place]?: Loose<NonNullable<T>> | undefined }
    : Record<never, never>;
type Body<O> = O extends { requestBody: { content: infer C } }
  ? { body: Content<C> }
  : O extends { requestBody?: { content: infer C } }
    ? { body?: Content<C> | undefined }
    : Record<never, never>;
type Content<C> = C extends { "application/json": infer T } ? Loose<T> : BodyInit;

/** What an operation takes. */
export type Arguments<M extends Method, P extends string> = Part<Operation<M, P>, "path"> &
  Part<Operation<M, P>, "query"> &
  Body<Operation<M, P>>;
type Optional<A> =
  Record<never, never> extends A ? [given?: A, signal?: AbortSignal] : [given: A, signal?: AbortSignal];

type Success<R> = R extends { 200: infer T }
  ? T
  : R extends { 201: infer T }
    ? T
    : R extends { 202: infer T }
      ? T
      : never;
/** What an operation answers. */
export type Reply<M extends Method, P extends string> =
  Operation<M, P> extends { responses: infer R }
    ? Success<R> extends { content: { "application/json": infer T } }
      ? T
      : undefined
    : never;

interface Given {
  path?: Readonly<Record<string, unknown>> | undefined;
  query?: Readonly<Record<string, unknown>> | undefined;
  body?: unknown;
}

let project = "";

/** All that is asked from now on is asked in this project; tells whether it was another before. */
export function speakOf(name: string): boolean {
  const changed = name !== project;
  project = name;
  return changed;
}

/** What a path answers, whatever its type is called. */
export type Answer<P extends PathOf<"get">> = Reply<"get", P>;

export async function get<P extends PathOf<"get">>(path: P, ...[given, signal]: Optional<Arguments<"get", P>>) {
  return (await decoded(await ask("GET", path, given ?? {}, signal))) as Reply<"get", P>;
}

/** The bytes of an answer that is not JSON: files, packed columns. */
export async function bytes<P extends PathOf<"get">>(path: P, ...[given, signal]: Optional<Arguments<"get", P>>) {
  return (await ask("GET", path, given ?? {}, signal)).arrayBuffer();
}

export async function send<M extends Exclude<Method, "get">, P extends PathOf<M>>(
  method: M,
  path: P,
  ...[given, signal]: Optional<Arguments<M, P>>
) {
  return (await decoded(await ask(method.toUpperCase(), path, given ?? {}, signal))) as Reply<M, P>;
}

async function ask(method: string, path: string, given: Given, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = project ? { "ostinato-project": project } : {};
  const request: RequestInit = { method, headers, signal: signal ?? null };
  if (given.body !== undefined) {
    const raw = given.body instanceof Blob || given.body instanceof ArrayBuffer || ArrayBuffer.isView(given.body);
    headers["content-type"] = raw ? "application/octet-stream" : "application/json";
    request.body = raw ? (given.body as BodyInit) : JSON.stringify(given.body);
  }
  const reply = await fetch(address(path, given), request).catch((cause: unknown) => {
    throw signal?.aborted ? cause : new Unreachable(cause);
  });
  const notice = reply.headers.get("ostinato-notice");
  if (notice) dispatchEvent(new CustomEvent("notice", { detail: notice }));
  if (!reply.ok) throw await errorOf(reply);
  return reply;
}

async function decoded(reply: Response): Promise<unknown> {
  const content = await reply.text();
  return content ? JSON.parse(content) : undefined;
}

/** Where an operation is: placeholders filled, scalars and lists of them as they are, all else as JSON. */
export function address(path: string, { path: places = {}, query = {} }: Given): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(places[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === undefined || one === null) continue;
      search.append(name, typeof one === "object" ? JSON.stringify(one) : String(one));
    }
  }
  return `${ROOT}${filled}${search.size ? `?${search}` : ""}`;
}
