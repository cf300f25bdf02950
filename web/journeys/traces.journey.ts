import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { axe, settled, url } from "./browser.mjs";
import { type Opened, travel } from "./travel";

const on = travel();
const TRACE = `tr-${"7".repeat(32)}`;

/** A trace with a step that failed, an hour before now, whatever the server takes for now. */
async function sent(page: Page, trace = TRACE): Promise<number> {
  return page.evaluate(async (trace) => {
    const clock = await (await fetch("/api/v1/clock")).json();
    const began = BigInt(Date.parse(clock.now) - 3_600_000) * 1_000_000n;
    const span = (id: string, parent: string | null, name: string, ms: number, more: object) =>
      `{"trace":"${trace}","id":"${id.repeat(16)}","parent":${JSON.stringify(parent === null ? null : parent.repeat(16))},"name":"${name}",` +
      `"start_ns":${began},"end_ns":${began + BigInt(ms) * 1_000_000n},${JSON.stringify(more).slice(1)}`;
    const spans = [
      span("a", null, "answer", 2100, {
        attributes: { "mlflow.spanInputs": { question: "Why late?" }, "session.id": "s-7" },
      }),
      span("b", "a", "chat", 1900, {
        state: "error",
        message: "rate limit",
        attributes: {
          "gen_ai.request.model": "quill-2",
          "gen_ai.usage.input_tokens": 1200,
          "gen_ai.usage.output_tokens": 80,
          "mlflow.llm.cost": { total_cost: 0.0048 },
          "gen_ai.input.messages": [{ role: "user", content: "Why late?" }],
        },
      }),
    ];
    const body = `{"experiment":"assistant","spans":[${spans.join(",")}]}`;
    const headers = { "content-type": "application/json", "ostinato-project": "default" };
    return (await fetch("/api/v1/spans", { method: "POST", headers, body })).status;
  }, trace);
}

let opened: Opened;
beforeAll(async () => {
  opened = await on.open("/default");
  expect(await sent(opened.page)).toBe(200);
});

test("a trace is found, its slow step is seen with what it cost, and it is judged", async () => {
  const { page, problems } = await on.open("/default/traces");
  const row = page.getByRole("row").filter({ hasText: "Why late?" });
  await row.waitFor();
  for (const seen of ["answer", "2.1 s", "1280", "$0.0048", "s-7", "assistant"])
    expect(await row.textContent()).toContain(seen);
  await page.getByLabel("Filter traces").last().fill("span.state = error");
  await page.waitForURL(/filter=span\.state/);
  await row.click();
  await page.waitForURL(new RegExp(TRACE));
  await page.getByRole("list", { name: "Steps of the trace" }).getByRole("button").nth(1).click();
  await page.waitForURL(/span=b+/);
  await page.getByText("rate limit").first().waitFor();
  await page.getByRole("button", { name: "Add feedback" }).click();
  await page.getByLabel("Value").fill("false");
  await page.getByLabel("Why").fill("It never answered.");
  await page.getByRole("dialog").getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("cell", { name: "It never answered." }).waitFor();
  await settled(page);
  expect([...problems, ...(await axe(page))]).toEqual([]);
  await page.close();
});

test("a condition that makes no sense says so at the filter, and a view is a link", async () => {
  const { page } = await on.open("/default/traces?filter=nothing+%3D+1&state=error&chart=cost");
  await page.getByRole("alert").filter({ hasText: "a trace has no 'nothing'" }).waitFor();
  expect(await page.getByRole("button", { name: "Errors", pressed: true }).count()).toBe(1);
  await page.close();
});

test("a price is set and forgotten, and a trace is deleted", async () => {
  const { page, problems } = await on.open("/default/traces");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("menuitem", { name: "Model prices" }).click();
  await page.getByRole("textbox", { name: /^Model/ }).fill("quill-*");
  await page.getByRole("spinbutton", { name: /^Input/ }).fill("3");
  await page.getByRole("spinbutton", { name: /^Output/ }).fill("15");
  await page.getByRole("button", { name: "Set price" }).click();
  await page.getByRole("button", { name: "Forget the price of quill-*" }).click();
  await page.getByText("No model has a price yet.").waitFor();
  await page.goto(`${page.url().split("?")[0]}/${TRACE}`);
  await settled(page);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.waitForURL(/\/traces$/);
  expect(problems).toEqual([]);
  await page.close();
});

test("reviewers are asked a question, which is answered within its bounds, changed and taken back", async () => {
  const trace = `tr-${"9".repeat(32)}`;
  const { page, problems } = await on.open("/default");
  expect(await sent(page, trace)).toBe(200);
  await page.goto(`${url}/default/traces`);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("menuitem", { name: "Review questions" }).click();
  const dialog = page.getByRole("dialog");
  const submit = (verb: string) => dialog.getByRole("button", { name: verb, exact: true }).click();
  await dialog.getByLabel("Experiment", { exact: true }).selectOption("assistant");
  await dialog.getByLabel("Name").fill("stars");
  await dialog.getByLabel("Answer", { exact: true }).selectOption("a number");
  await dialog.getByLabel("Least").fill("5");
  await dialog.getByLabel("Most").fill("1");
  await submit("Add question");
  await dialog.getByText(/least must be strictly less/).waitFor();
  await dialog.getByLabel("Least").fill("1");
  await dialog.getByLabel("Most").fill("5");
  await submit("Add question");
  await dialog.getByRole("row", { name: /stars.*1 to 5/ }).waitFor();
  await dialog.getByRole("button", { name: "Edit stars" }).click();
  await dialog.getByLabel("Instruction").fill("How good was it?");
  await submit("Save question");
  await dialog.getByText("How good was it?").waitFor();
  await settled(page);
  expect((await axe(page)).concat(problems.filter((problem) => !/status of 4/.test(problem)))).toEqual([]);
  await dialog.getByRole("button", { name: "Delete stars" }).click();
  await page
    .getByRole("dialog", { name: "Delete the question stars?" })
    .getByRole("button", { name: "Delete" })
    .click();
  await dialog.getByRole("button", { name: "Edit stars" }).waitFor({ state: "detached" });
  await page.close();
});

test("a trace becomes an example of an evaluation set, once, and the set goes again", async () => {
  const trace = `tr-${"8".repeat(32)}`;
  const { page, problems } = await on.open("/default");
  expect(await sent(page, trace)).toBe(200);
  await page.goto(`${url}/default/traces/${trace}`);
  const add = page.getByRole("button", { name: "Add to evaluation set…" });
  const dialog = page.getByRole("dialog");
  await add.click();
  await dialog.getByLabel("Set", { exact: true }).selectOption("a new one…");
  await dialog.getByLabel(/Name of the new set/).fill("went wrong");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("It is an example now").waitFor();
  await add.click();
  await dialog.getByLabel("Set", { exact: true }).selectOption("went wrong");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("The set has an example of the same inputs").waitFor();
  await page.goto(`${url}/default/evalsets`);
  await page.getByRole("link", { name: "went wrong" }).click();
  await page.getByText('"Why late?"').waitFor();
  expect(await page.getByRole("link", { name: trace }).count()).toBe(1);
  await settled(page);
  expect([...problems, ...(await axe(page))]).toEqual([]);
  await page.getByRole("button", { name: /^Remove/ }).click();
  await page.getByText("No examples yet").waitFor();
  await page.getByRole("button", { name: "Add example" }).click();
  await dialog.getByLabel("Inputs").fill('{"question": ');
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByText(/not JSON/).waitFor();
  await dialog.getByLabel("Inputs").fill('{"question": "Why early?"}');
  await dialog.getByLabel("Expectations").fill("tail wind");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText('"tail wind"').waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.waitForURL(/\/evalsets$/);
  expect(problems).toEqual([]);
  await page.close();
});
