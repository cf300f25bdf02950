import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { axe, url } from "./browser.mjs";
import { travel } from "./travel";

const PROJECT = `review-${Date.now()}`;
const ARTIFACT = {
  format: "ostinato.linear/1",
  intercept: -1,
  terms: [{ weight: 2, mean: 0, scale: 1, by_code: null }],
};
const SIGNATURE = { inputs: [{ name: "delay" }] };

const on = travel();
beforeAll(prepare);

async function post(path: string, data: object | Buffer, token = administrator(), project = PROJECT): Promise<unknown> {
  const type = data instanceof Buffer ? "application/octet-stream" : "application/json";
  const headers = { authorization: `Bearer ${token}`, "ostinato-project": project, "content-type": type };
  const body = data instanceof Buffer ? new Uint8Array(data) : JSON.stringify(data);
  const reply = await fetch(`${url}/api/v1${path}`, { method: "POST", headers, body });
  const answer: unknown = await reply.json();
  if (!reply.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

function administrator(): string {
  return readFileSync(join(process.env.OSTINATO_DATA ?? "", "admin-token"), "utf8").trim();
}

/** A model of two versions that a program has made and checked, and a third that the reviewer made. */
async function prepare(): Promise<void> {
  await post(`/access/projects/${PROJECT}`, {}, administrator(), "default");
  await post("/access/services/maker", { roles: ["scientist"] });
  const { secret } = (await post("/access/actors/service:maker/tokens", { name: "journey" })) as { secret: string };
  const gates = [{ gate: "metric_floor", parameters: { metric: "auc", value: 0.65 } }];
  await post("/models", { name: "delays", description: "Will it be late?", gates });
  for (const [token, auc] of [
    [secret, 0.66],
    [secret, 0.74],
    [administrator(), 0.7],
  ] as const)
    await version(token, auc);
}

async function version(token: string, auc: number): Promise<void> {
  const { id } = (await post("/runs", { experiment: "delays" }, token)) as { id: string };
  const run = `run:${id}`;
  const artifact = await post("/model-artifacts", Buffer.from(JSON.stringify(ARTIFACT)), token);
  const report = {
    rows: 1000,
    positives: 300,
    threshold: 0.5,
    threshold_from: "default",
    metrics: { auc: { value: auc, low: auc - 0.02, high: auc + 0.02 } },
    calibration: [{ low: 0.1, high: 0.6, rows: 1000, mean_score: 0.32, rate: 0.3 }],
  };
  const evaluation = (await post("/evaluations", { subject: run, data: "d".repeat(64), report }, token)) as {
    id: string;
  };
  const given = { artifact, flavor: "linear", signature: SIGNATURE, run, evaluation: evaluation.id, key: run };
  const { version } = (await post("/models/delays/versions", given, token)) as { version: number };
  await post(`/model-versions/delays@${version}/check`, {}, token);
}

test("a reviewer refuses a version with a reason, then approves another and promotes it", async () => {
  const { page, problems } = await on.open(`/${PROJECT}/models`);
  await page.getByText("none yet").waitFor();
  await page.getByRole("link", { name: "delays", exact: true }).click();
  await page.getByText("Nothing was promoted yet.").waitFor();
  await page.getByRole("table").getByRole("link", { name: "delays@1" }).click();

  await page.getByText("Waiting for approval", { exact: true }).waitFor();
  await page.getByText(/auc is 0\.66\d*; it must be at least 0\.65/).waitFor();
  await page.getByRole("button", { name: "Reject" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Reject" }).click();
  expect(await dialog.isVisible()).toBe(true); // without a reason it stays
  await dialog.getByLabel("Reason").fill("it is barely above the floor");
  expect(await axe(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Reject" }).click();
  await page.getByText("Rejected", { exact: true }).waitFor();
  await page.locator(".model-history").getByText("it is barely above the floor").waitFor();
  expect(await page.getByRole("button", { name: "Approve" }).isDisabled()).toBe(true);

  await page.goto(`${url}/${PROJECT}/models/delays/versions/2`);
  const promote = page.getByRole("button", { name: "Promote" });
  await promote.waitFor();
  expect(await promote.isDisabled()).toBe(true);
  expect(await promote.getAttribute("title")).toContain("not approved");
  await page.getByRole("button", { name: "Approve" }).click();
  await dialog.getByLabel("Reason").fill("well above the floor");
  await dialog.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Ready to promote").waitFor();
  await promote.click();
  await dialog.getByRole("button", { name: "Promote" }).click();
  await page.getByText("In production", { exact: true }).waitFor();
  expect(await axe(page)).toEqual([]);

  await page.getByRole("link", { name: "delays", exact: true }).click();
  const production = page.getByRole("region", { name: "In production" });
  await production.getByRole("link", { name: "delays@2" }).waitFor();
  await production.getByText("well above the floor").waitFor();
  expect(problems).toEqual([]);
  await page.close();
});

test("who made a version is told that another must approve it, on the page and in the palette", async () => {
  const { page, problems } = await on.open(`/${PROJECT}/models/delays/versions/3`);
  const approve = page.getByRole("button", { name: "Approve" });
  await expect.poll(() => approve.isDisabled()).toBe(true);
  const why = (await approve.getAttribute("title")) ?? "";
  expect(why).toContain("cannot approve it");
  await page.locator(".model-barred").getByText("Approve:").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("retire this");
  await page.getByRole("option", { name: /Retire this version/ }).waitFor();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Retire delays@3?" });
  await dialog.getByLabel("Reason").fill("a try that nobody needs");
  await dialog.getByRole("button", { name: "Retire" }).click();
  await page.getByText("Retired delays@3").waitFor();
  await page.getByText("a try that nobody needs").first().waitFor({ state: "attached" }); // by the verbs of the version
  expect(problems).toEqual([]);
  await page.close();
});
