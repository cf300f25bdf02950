import { beforeAll, expect, test } from "vitest";
import { axe, url } from "./browser.mjs";
import { newProject, type Project } from "./store";
import { travel } from "./travel";

const on = travel();
let project: Project;
let maker: string;
beforeAll(async () => {
  project = await newProject("glass");
  maker = await project.program(["scientist"]);
  await project.post("/models", { name: "delays", description: "Will it be late?" });
  await project.version("delays", 0.7, maker);
});

test("what a risk asks is changed with a reason, and taken back", async () => {
  const { page, problems } = await on.open(`/${project.name}/models`);
  const tiers = page.getByRole("region", { name: "Approval rules by risk" });
  await tiers.getByRole("button", { name: "Change the rules for low risk" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Break-glass valid for").fill("48");
  await dialog.getByLabel("Approval valid for").fill("90");
  await dialog.getByLabel("Reason").fill("the board of May");
  expect(await axe(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Change" }).click();
  await tiers.getByText("90 days").waitFor();
  await tiers.getByText("2 days").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect.poll(() => tiers.getByText("90 days").count()).toBe(0);
  expect(problems).toEqual([]);
  await page.close();
});

test("an operator breaks the glass; the page says by whom, why until when, and that somebody else is to review it", async () => {
  const { page, problems } = await on.open(`/${project.name}/models/delays/versions/1`);
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Break-glass promote" }).click();
  const dialog = page.getByRole("dialog", { name: "Promote delays@1 without approval (break-glass)?" });
  await dialog.getByText("It is valid for 168 hours at most").waitFor();
  await dialog.getByLabel("Reason").fill("the champion answers nothing");
  await dialog.getByRole("button", { name: "Break-glass promote" }).click();
  const notice = page.locator(".model-notice");
  await notice.getByText("Break-glass", { exact: true }).waitFor();
  await notice.getByText("the champion answers nothing").waitFor();
  await notice.getByText("Valid until").waitFor();
  const review = notice.getByRole("button", { name: "Review…" });
  expect(await review.isDisabled()).toBe(true);
  expect(await review.getAttribute("title")).toContain("somebody else");
  await page.getByText("Without approval", { exact: true }).waitFor();
  expect(await axe(page)).toEqual([]);

  await page.goto(`${url}/${project.name}/models`);
  const glass = page.getByRole("region", { name: "Break-glass promotions" });
  await glass.getByText("1 review open").waitFor();
  await glass.getByRole("link", { name: "delays@1" }).waitFor();
  expect(await axe(page)).toEqual([]);

  expect(problems).toEqual([]);
  await page.close();
});
