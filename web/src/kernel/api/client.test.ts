import { afterEach, expect, test, vi } from "vitest";
import { address, get, send, speakOf } from "./client";
import { ApiError, Unreachable } from "./errors";

afterEach(() => vi.unstubAllGlobals());

function answers(status: number, body: unknown, headers: Record<string, string> = {}) {
  const fetched = vi.fn(
    async () => new Response(body === undefined ? null : JSON.stringify(body), { status, headers }),
  );
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

test("an address has its placeholders filled and its lists repeated", () => {
  expect(address("/datasets/{name}", { path: { name: "a/b c" } })).toBe("/api/v1/datasets/a%2Fb%20c");
  const query = { limit: 5, after: undefined, state: null, where: ["a > 1", "b"], filter: { k: 1 } };
  expect(address("/runs", { query })).toBe("/api/v1/runs?limit=5&where=a+%3E+1&where=b&filter=%7B%22k%22%3A1%7D");
});

test("a request speaks of its project and its body is JSON", async () => {
  const fetched = answers(200, { now: "2013-01-01T00:00:00Z", replay: true });
  speakOf("default");
  await send("put", "/clock", { body: { now: "2013-01-01T00:00:00Z" } });
  expect(fetched).toHaveBeenCalledWith("/api/v1/clock", {
    method: "PUT",
    headers: { "ostinato-project": "default", "content-type": "application/json" },
    body: '{"now":"2013-01-01T00:00:00Z"}',
    signal: null,
  });
});

test("what the server says beside an answer is passed on", async () => {
  const heard: unknown[] = [];
  vi.stubGlobal("dispatchEvent", (event: CustomEvent) => heard.push(event.detail));
  answers(200, {}, { "ostinato-notice": "model:late@3 is deprecated: old%2C and slow, two" });
  await get("/clock");
  answers(200, {});
  await get("/clock");
  expect(heard).toEqual(["model:late@3 is deprecated: old%2C and slow, two"]);
});

test("an error has the fields that the server gave it", async () => {
  answers(
    429,
    { error: { type: "Throttled", message: "too often", hint: "wait", field: "$.name" } },
    { "retry-after": "3" },
  );
  const error = await get("/clock").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    type: "Throttled",
    message: "too often",
    hint: "wait",
    field: "$.name",
    status: 429,
    retryAfterS: 3,
  });
});

test("an answer that is not the server's own is told as it can be", async () => {
  vi.stubGlobal("fetch", async () => new Response("<html>bad gateway</html>", { status: 502 }));
  await expect(get("/clock")).rejects.toMatchObject({ status: 502, message: "the server answered 502" });
});

test("a server out of reach is an error of its own, an ended request is not", async () => {
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("failed to fetch")));
  await expect(get("/clock")).rejects.toBeInstanceOf(Unreachable);
  const signal = AbortSignal.abort();
  vi.stubGlobal("fetch", async () => Promise.reject(signal.reason));
  await expect(get("/clock", {}, signal)).rejects.toHaveProperty("name", "AbortError");
});
