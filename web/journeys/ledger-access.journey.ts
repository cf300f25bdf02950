import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { axe, settled, url } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();
let page: Page;
let problems: string[];
beforeAll(async () => {
  ({ page, problems } = await on.open("/default"));
});

async function open(path: string) {
  await page.goto(url + path);
  await settled(page);
}

const button = (name: string) => page.getByRole("button", { name, exact: true });
const answer = (name: string) => page.getByRole("dialog").getByRole("button", { name, exact: true });

async function only(verb: string) {
  await page.getByLabel("What").selectOption(verb.replace(" ", "."));
  await page.waitForFunction((wanted) => {
    const verbs = [...document.querySelectorAll(".ledger-verb")].map((found) => found.textContent);
    return verbs.length > 0 && verbs.every((found) => found === wanted);
  }, verb);
}

test("an auditor verifies the ledger, opens an act and has it proved by the browser itself", async () => {
  await open("/default/ledger");
  await button("Verify").click();
  await page.getByText("The ledger is intact").waitFor();
  await only("role granted");
  await page.locator(".ledger-toggle").first().click();
  await page.waitForURL(/event=/);
  await button("Prove").click();
  await page.getByText("Proved, by this browser").waitFor();
  await page.getByText("which the key of the ledger signed").waitFor();
  await page.reload();
  await settled(page);
  expect(await page.locator(".ledger-toggle").first().getAttribute("aria-expanded")).toBe("true");
  expect([...problems.splice(0), ...(await axe(page))]).toEqual([]);
});

test("the head leaves the store as a file, and the ledger is checked against it", async () => {
  await open("/default/ledger");
  const [file] = await Promise.all([page.waitForEvent("download"), button("Export head").click()]);
  expect(file.suggestedFilename()).toMatch(/^ostinato-head-\d+\.txt$/);
  await button("More of the seals").click();
  await page.getByRole("menuitem", { name: "Verify against a head that I kept" }).click();
  await page.getByLabel("The exported file").setInputFiles(await file.path());
  await answer("Verify").click();
  await page.getByText("It continues the head that you kept").waitFor();
  expect(problems.splice(0)).toEqual([]);
});

test("a search is an address, and what is no reference is said to be none", async () => {
  await open("/default/ledger");
  await only("role granted");
  await page.waitForURL(/verb=role\.granted/);
  const count = await page.locator(".ledger-event").count();
  await page.reload();
  await settled(page);
  expect(await page.locator(".ledger-event").count()).toBe(count);
  await page.getByRole("searchbox", { name: "About a thing" }).fill("no ref");
  await page.getByText("Write kind:name").waitFor();
  expect(problems.splice(0)).toEqual([]);
});

test("what is said about a thing stands beside its events, and mentions are told", async () => {
  const words = `a note for @admin, ${Date.now()}`;
  await open("/default/ledger?ref=person:admin");
  await page.getByLabel("Your comment").fill(words);
  await button("Comment").click();
  await page.locator(".ledger-comments li", { hasText: words }).waitFor();
  await page.getByRole("tab", { name: /Mentions of me/ }).click();
  await page.locator(".ledger-mentions li", { hasText: words }).waitFor();
  expect([...problems.splice(0), ...(await axe(page))]).toEqual([]);
});

test("a person is invited, gets a role after a question, loses it, and is shut out", async () => {
  const name = `ida-${Date.now()}`;
  await open("/default/access");
  await button("Invite a person").click();
  await page.getByLabel("Name").fill(name);
  await answer("Invite").click();
  await page.getByText(/\/#\/sign-in\//).waitFor();
  await answer("Done").click();
  await button(`${name} is not reviewer`).click();
  await page.getByRole("dialog").getByText("model approve").waitFor();
  await answer("Grant").click();
  await button(`${name} is reviewer`).click();
  await answer("Remove").click();
  await button(`${name} is not reviewer`).waitFor();
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await button(`Disable ${name}`).click();
  await answer("Disable").click();
  await button(`Enable ${name}`).waitFor();
  expect([...problems.splice(0), ...(await axe(page))]).toEqual([]);
});

test("the secret of a token is shown once, works, and is refused once it is revoked", async () => {
  const name = `journey-${Date.now()}`;
  await open("/default/access?tab=tokens");
  await button("Issue a token").click();
  await page.getByLabel("Name").fill(name);
  await button("Read only").click();
  await answer("Issue").click();
  const shown = page.getByRole("region", { name: "token", exact: true });
  const secret = (await shown.textContent())?.trim() ?? "";
  expect(secret).toMatch(/^ostp_\w{48}$/);
  await answer("I have saved it").click();
  const row = page.getByRole("row", { name: new RegExp(name) });
  await row.getByText("*:read").waitFor();
  expect(await page.getByText(secret).count()).toBe(0);
  const headers = { authorization: `Bearer ${secret}` };
  const status = async () => (await fetch(`${url}/api/v1/access/whoami`, { headers })).status;
  expect(await status()).toBe(200);
  await row.getByRole("button", { name: `Acts on ${name}` }).click();
  await page.getByRole("menuitem", { name: "Revoke" }).click();
  await answer("Revoke").click();
  await row.waitFor({ state: "detached" });
  expect(await status()).toBe(401);
  expect(problems.splice(0)).toEqual([]);
});

test("a role of one's own is defined, seen among the others, and dropped", async () => {
  const name = `labeller-${Date.now()}`;
  await open("/default/access?tab=roles");
  await button("New role").click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("textbox", { name: "Permissions" }).fill("endpoint:label *:red");
  await page.getByText("No permission matches *:red").waitFor();
  await page.getByRole("textbox", { name: "Permissions" }).fill("endpoint:label *:read");
  await answer("Create").click();
  await page.getByRole("columnheader", { name }).waitFor();
  const own = page.locator(".access-own li", { hasText: name });
  await own.getByRole("button", { name: "Delete" }).click();
  await answer("Delete").click();
  await own.waitFor({ state: "detached" });
  expect([...problems.splice(0), ...(await axe(page))]).toEqual([]);
});

test("a CI is trusted for a service account, and dropped", async () => {
  const name = `ci-${Date.now()}`;
  await open("/default/access?tab=services");
  await button("New service account").click();
  await page.getByLabel("Name").fill(name);
  await answer("Create").click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await open("/default/access?tab=trusts");
  await button("Trust an issuer").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Its tokens speak for").selectOption(`service:${name}`);
  await dialog.getByLabel("Audience").fill("https://ml.example.org");
  await dialog.getByRole("textbox", { name: "Permissions" }).fill("*:read");
  await dialog.getByLabel("Its token must say").fill("repository_id = 4711\nref = refs/heads/main");
  await answer("Trust").click();
  const trust = page.locator(".access-own li", { hasText: name });
  await trust.getByText("repository_id = 4711").waitFor();
  expect(await axe(page)).toEqual([]);
  await trust.getByRole("button", { name: "Remove" }).click();
  await answer("Remove").click();
  await trust.waitFor({ state: "detached" });
  expect(problems.splice(0)).toEqual([]);
});

test("a lineage is a picture and a list of acts, as of any day", async () => {
  await open("/default/lineage/model:late@1");
  await page.locator(".graph-box[data-focus]").waitFor();
  expect(await page.locator(".graph-box").count()).toBeGreaterThan(2);
  await button("Upstream").click();
  await page.waitForURL(/direction=up/);
  await button("At its creation").click();
  await page.waitForURL(/at=/);
  await page.getByRole("table", { name: "Edges of the lineage" }).getByText("model registered").first().waitFor();
  expect([...problems.splice(0), ...(await axe(page))]).toEqual([]);
});

test("who a person is elsewhere is linked by an administrator, and the link ended", async () => {
  const name = `olga-${Date.now()}`;
  await open("/default/access");
  await button("Invite a person").click();
  await page.getByLabel("Name").fill("no name");
  await answer("Invite").click();
  await page
    .getByRole("dialog")
    .getByText(/not a name/)
    .waitFor();
  expect(await page.getByLabel("Name").getAttribute("aria-invalid")).toBe("true");
  await page.getByLabel("Name").fill(name);
  await answer("Invite").click();
  await page.getByText(/\/#\/sign-in\//).waitFor();
  await answer("Done").click();
  await open(`/default/access?actor=person:${name}`);
  await button("Link").click();
  await page.getByLabel("Issuer").fill("https://login.example.org");
  await page.getByLabel("Subject").fill(`sub-${name}`);
  expect(await axe(page)).toEqual([]);
  await answer("Link").click();
  await page.getByText(`sub-${name}`).waitFor();
  await button("Change").click();
  await answer("End the link").click();
  await page.getByText("not linked to an identity provider").waitFor();
  expect(problems.splice(0).filter((problem) => !problem.includes("status of 400"))).toEqual([]);
});

test("a viewer is offered nothing that a viewer may not do", async () => {
  const name = `vera-${Date.now()}`;
  const post = async (path: string, data: object) =>
    (await on.context.request.post(`${url}/api/v1/access/${path}`, { data })).json();
  await post(`persons/${name}`, { roles: ["viewer"] });
  const { code } = (await post(`actors/person:${name}/codes`, {})) as { code: string };
  const own = await on.browser.newContext();
  const { page: theirs, problems: wrong } = await on.open(`/#/sign-in/${code}`, own);
  await theirs.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  for (const path of ["data/flights", "features/route", "pipelines/train", "ledger", "access", "access?tab=roles"]) {
    await theirs.goto(`${url}/default/${path}`);
    await settled(theirs);
    expect([path, await theirs.locator("main button:disabled").allTextContents()]).toEqual([path, []]);
    expect(await theirs.getByRole("button", { name: /^(Deliver|Start…|Load|Schedule…|Invite|New role)/ }).count()).toBe(
      0,
    );
  }
  expect([...wrong, ...(await axe(theirs))]).toEqual([]);
  await own.close();
});

test("an administrator sees whether the installation is sound, and what takes space", async () => {
  await open("/default/access?tab=installation");
  await page.getByRole("region", { name: "Diagnosis" }).getByText("checks").waitFor();
  await page
    .getByRole("region", { name: "Versions" })
    .getByText(/^SQLite|^PostgreSQL/)
    .waitFor();
  await page.getByRole("table", { name: "Space by folder" }).getByRole("row", { name: /blobs/ }).waitFor();
  expect([...problems.splice(0), ...(await axe(page))]).toEqual([]);
});
