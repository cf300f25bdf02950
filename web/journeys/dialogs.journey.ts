import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axe, settled, url } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();
const answer = (page: Page, name: string) => page.getByRole("dialog").getByRole("button", { name, exact: true });

async function statusOf(secret: string): Promise<number> {
  return (await fetch(`${url}/api/v1/access/whoami`, { headers: { authorization: `Bearer ${secret}` } })).status;
}

async function shown(page: Page): Promise<string> {
  return (await page.getByRole("region", { name: "token", exact: true }).textContent())?.trim() ?? "";
}

test("a token is rotated: its successor works, and the old one as long as was asked", async () => {
  const name = `rotated-${Date.now()}`;
  const { page, problems } = await on.open("/default/access?tab=tokens");
  await page.getByRole("button", { name: "Issue a token" }).click();
  await page.getByLabel("Name").fill(name);
  await answer(page, "Issue").click();
  const old = await shown(page);
  await answer(page, "I have saved it").click();
  await page.getByRole("button", { name: `Acts on ${name}` }).click();
  await page.getByRole("menuitem", { name: "Rotate" }).click();
  await page.getByLabel(/works for so many hours/).fill("1");
  await answer(page, "Rotate").click();
  await answer(page, "I have saved it").waitFor();
  const fresh = await shown(page);
  expect(fresh).not.toBe(old);
  expect([await statusOf(old), await statusOf(fresh)]).toEqual([200, 200]);
  await answer(page, "I have saved it").click();
  await page.getByText("rotated, still works").first().waitFor();
  expect([...problems, ...(await axe(page))]).toEqual([]);
  await page.close();
});

/** A program without a browser asks for a token. */
async function asked(): Promise<{ user_code: string; device_code: string }> {
  const body = JSON.stringify({ name: "a program" });
  const headers = { "content-type": "application/json" };
  const reply = await fetch(`${url}/api/v1/device`, { method: "POST", headers, body });
  return (await reply.json()) as { user_code: string; device_code: string };
}

test("a program is let in by the code that it shows, or refused", async () => {
  const { page, problems } = await on.open("/device");
  for (const [word, said] of [
    ["Refuse", "The program was refused"],
    ["Agree", "The program may act as you"],
  ] as const) {
    const { user_code } = await asked();
    await page.goto(`${url}/device`);
    await page.getByLabel("The code that the program shows").fill(user_code.toLowerCase());
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("a program", { exact: true }).waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByRole("button", { name: word }).click();
    await page.getByText(said).waitFor();
  }
  expect(problems).toEqual([]);
  await page.close();
});

test("a project is made, a name that cannot be is refused at its field, and one goes there", async () => {
  const name = `p${Date.now()}`;
  const { page, problems } = await on.open("/default/access?tab=projects");
  await page.getByRole("button", { name: "New project" }).click();
  const field = page.getByRole("dialog").getByLabel("Name");
  await field.fill("no/project");
  await answer(page, "Create").click();
  await page.getByRole("dialog").locator("[data-bad], [role=alert]").first().waitFor();
  await field.fill(name);
  await answer(page, "Create").click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("link", { name, exact: true }).click();
  await page.waitForURL(`${url}/${name}`);
  await page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  expect(problems.filter((problem) => !/no%2Fproject|status of 4/.test(problem))).toEqual([]);
  await page.close();
});

test("a file of the inbox is delivered; what breaks the contract is put aside, and said so", async () => {
  const inbox = join(process.env.OSTINATO_DATA ?? "", "inbox");
  writeFileSync(join(inbox, "good.csv"), "id,level\n1,3\n2,4\n");
  writeFileSync(join(inbox, "bad.csv"), "id,level\n3,3\n3,900\n");
  const { page, problems } = await on.open("/default/data/levels");
  const deliver = async (path: string) => {
    await page.getByRole("button", { name: "Deliver", exact: true }).click();
    await page.getByLabel("File in the inbox").fill(path);
    await page.getByRole("dialog").getByLabel("Key").fill(path);
    await answer(page, "Deliver").click();
  };
  await deliver("good.csv");
  await page.getByText("good.csv was accepted as version 1").waitFor();
  await deliver("bad.csv");
  await page.getByText("bad.csv was quarantined", { exact: true }).waitFor();
  await page.getByText("Why bad.csv was quarantined").waitFor();
  const content = await page.request.get(`${url}/api/v1/dataset-versions/levels@1/content`);
  await page.getByRole("button", { name: "Deliver", exact: true }).click();
  await page.getByLabel("Source").selectOption("Parquet on this computer");
  const sent = { name: "sent.parquet", mimeType: "application/octet-stream", buffer: await content.body() };
  await page.getByRole("dialog").getByLabel(/^File/).setInputFiles(sent);
  await page.getByRole("dialog").getByLabel("Key").fill("sent");
  await answer(page, "Deliver").click();
  await page.getByText("sent was quarantined", { exact: true }).waitFor(); // its ids are there already
  await settled(page);
  expect([...problems, ...(await axe(page))]).toEqual([]);
  await page.close();
});
