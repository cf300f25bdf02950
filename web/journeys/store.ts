import { readFileSync } from "node:fs";
import { join } from "node:path";
import { url } from "./browser.mjs";

const ARTIFACT = {
  format: "ostinato.linear/1",
  intercept: -1,
  terms: [{ weight: 2, mean: 0, scale: 1, by_code: null }],
};
const SIGNATURE = { inputs: [{ name: "delay" }] };

/** A project of a journey's own, asked as its administrator, or as a person or program with a token. */
export interface Project {
  name: string;
  post: (path: string, data: object | Uint8Array, token?: string) => Promise<unknown>;
  /** A program with these roles: the token that speaks for it. */
  program: (roles: readonly string[]) => Promise<string>;
  /** A version of a model, with an evaluation and an input example, registered by whom the token speaks for. */
  version: (model: string, auc: number, token?: string) => Promise<number>;
}

/** Makes a project. */
export async function newProject(kind: string): Promise<Project> {
  const name = `${kind}-${Date.now()}`;
  const post = (path: string, data: object | Uint8Array, token?: string) => send(path, data, name, token);
  await send(`/access/projects/${name}`, {}, "default");
  const version = async (model: string, auc: number, token?: string) => {
    const { id } = (await post("/runs", { experiment: model }, token)) as { id: string };
    const run = `run:${id}`;
    const artifact = await post("/model-artifacts", new TextEncoder().encode(JSON.stringify(ARTIFACT)), token);
    const metrics = { auc: { value: auc, low: auc - 0.02, high: auc + 0.02 } };
    const calibration = [{ low: 0.1, high: 0.6, rows: 1000, mean_score: 0.32, rate: 0.3 }];
    const report = { rows: 1000, positives: 300, threshold: 0.5, threshold_from: "default", metrics, calibration };
    const made = (await post("/evaluations", { subject: run, data: "d".repeat(64), report }, token)) as { id: string };
    const given = { artifact, flavor: "linear", signature: SIGNATURE, run, evaluation: made.id, key: run };
    const body = { ...given, example: { delay: [0, 1.5] } };
    return ((await post(`/models/${model}/versions`, body, token)) as { version: number }).version;
  };
  const program = async (roles: readonly string[]) => {
    await post(`/access/services/of-${name}`, { roles });
    const made = await post(`/access/actors/service:of-${name}/tokens`, { name: "journey" });
    return (made as { secret: string }).secret;
  };
  return { name, post, program, version };
}

async function send(path: string, data: object | Uint8Array, project: string, token = administrator()) {
  const bytes = data instanceof Uint8Array;
  const type = bytes ? "application/octet-stream" : "application/json";
  const headers = { authorization: `Bearer ${token}`, "ostinato-project": project, "content-type": type };
  const body = bytes ? new Uint8Array(data) : JSON.stringify(data);
  const reply = await fetch(`${url}/api/v1${path}`, { method: "POST", headers, body });
  const answer: unknown = await reply.json();
  if (!reply.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

function administrator(): string {
  return readFileSync(join(process.env.OSTINATO_DATA ?? "", "admin-token"), "utf8").trim();
}
