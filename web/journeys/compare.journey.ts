import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { axe, settled, url, watched } from "./browser.mjs";
import { travel } from "./travel";

const PROJECT = `compare-${Date.now()}`;
const NOTEBOOK = {
  nbformat: 4,
  cells: [
    { cell_type: "markdown", source: ["# A sweep\n", "<script>document.title = 'owned'</script>"] },
    {
      cell_type: "code",
      execution_count: 1,
      source: "1 + 1",
      outputs: [
        {
          output_type: "execute_result",
          data: { "text/plain": ["2"], "text/html": ["<img src=x onerror=\"document.title='owned'\">"] },
        },
      ],
    },
  ],
};

const on = travel();
let ids: string[];
beforeAll(async () => {
  ids = await prepare();
});

async function ask(
  method: string,
  path: string,
  body: object | Uint8Array<ArrayBuffer>,
  project = PROJECT,
): Promise<unknown> {
  const token = readFileSync(join(process.env.OSTINATO_DATA ?? "", "admin-token"), "utf8").trim();
  const raw = body instanceof Uint8Array;
  const headers = {
    authorization: `Bearer ${token}`,
    "ostinato-project": project,
    "content-type": raw ? "application/octet-stream" : "application/json",
  };
  const reply = await fetch(`${url}/api/v1${path}`, { method, headers, body: raw ? body : JSON.stringify(body) });
  const answer: unknown = await reply.json();
  if (!reply.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Twelve runs of which the depth decides and the seed does not, each with a curve; the first left a notebook. */
async function prepare(): Promise<string[]> {
  await ask("POST", `/access/projects/${PROJECT}`, {}, "default");
  const made: string[] = [];
  for (let run = 0; run < 12; run++) {
    const params = { depth: run % 3, seed: (run * 7) % 12 };
    const { id } = (await ask("POST", "/runs", { experiment: "sweep", name: `try ${run}`, params })) as { id: string };
    const steps = BigInt64Array.from({ length: 20 }, (_, i) => BigInt(i));
    const values = Float64Array.from({ length: 20 }, (_, i) => (params.depth + run / 100) * (1 - 0.8 ** i));
    const frame = {
      keys: ["auc"],
      key: base64(new Uint32Array(20)),
      steps: base64(steps),
      times_us: base64(steps),
      values: base64(values),
    };
    await ask("POST", `/runs/${id}/points`, { client: "journey", seq: 0, frame });
    if (run === 0)
      await ask("PUT", `/runs/${id}/artifacts/report.ipynb`, new TextEncoder().encode(JSON.stringify(NOTEBOOK)));
    await ask("POST", `/runs/${id}/finish`, {});
    made.push(id);
  }
  return made;
}

function base64(column: ArrayBufferView): string {
  return Buffer.from(column.buffer).toString("base64");
}

test("a scientist sees which parameter decides, and narrows the runs by keyboard", async () => {
  const page = await on.context.newPage();
  const problems = await watched(page);
  await page.goto(`${url}/${PROJECT}/runs/compare?${ids.map((id) => `ids=${id}`).join("&")}`);
  await page.getByText("Each of 12 on the same axes").waitFor();
  const influences = page.getByRole("table", { name: "Parameters by influence" });
  await influences.waitFor();
  const first = influences.getByRole("row").nth(1);
  expect(await first.getByRole("button").textContent()).toBe("depth");
  expect(await first.textContent()).toContain("≤ 0.002");

  await page.getByRole("slider", { name: "depth, at least" }).focus();
  for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowUp");
  await page.getByText("4 of 12 runs pass").waitFor();
  expect(new URL(page.url()).searchParams.get("brush")).toMatch(/^params\.depth:/);
  expect(await axe(page)).toEqual([]);
  await page.getByRole("link", { name: "Only these 4" }).click();
  await page.getByRole("heading", { level: 1, name: "Compare 4 runs" }).waitFor();
  await page.getByText("It takes at least 8 runs with this metric").waitFor();
  expect(problems).toEqual([]);
  await page.close();
});

test("runs in groups: the address keeps by what, and which are unfolded", async () => {
  const page = await on.context.newPage();
  const problems = await watched(page);
  await page.goto(`${url}/${PROJECT}/runs?experiment=sweep`);
  await settled(page);
  await page.getByLabel("Group by").selectOption("params.depth");
  await page.getByRole("button", { name: /depth 2/ }).click();
  await expect.poll(() => page.getByRole("grid", { name: "Runs" }).getByRole("link").count()).toBe(4);
  await page.reload();
  await expect.poll(() => page.getByRole("grid", { name: "Runs" }).getByRole("link").count()).toBe(4);
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});

test("a notebook is read, and nothing of it runs; a note is written", async () => {
  const page = await on.context.newPage();
  const problems = await watched(page);
  await page.goto(`${url}/${PROJECT}/runs/${ids[0]}?tab=files`);
  await page.getByRole("heading", { name: "A sweep" }).waitFor();
  await page.getByText("1 + 1").waitFor();
  await page.getByText("<script>document.title").waitFor();
  expect(await page.title()).not.toContain("owned");
  await page.getByRole("tab", { name: "Results" }).click();
  await page.getByRole("button", { name: "Note" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Note").fill("It **rises** with the depth.");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.locator("strong", { hasText: "rises" }).waitFor();
  expect(await axe(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});
