import type { Page, Request } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { url } from "./browser.mjs";
import { travel } from "./travel";

const on = travel();
let page: Page;
let folder: string;
beforeAll(async () => {
  ({ page } = await on.open("/default"));
  const found = await page.evaluate(() => fetch("/api/v1/runs?experiment=frames").then((reply) => reply.json()));
  folder = `/frames/default/${found.items[0].id}`;
});

/** Puts a file into a frame of our page and waits for what it says. */
async function framed(path: string, sandbox: string | undefined): Promise<unknown> {
  return page.evaluate(
    ([src, tokens]) =>
      new Promise((done) => {
        addEventListener("message", ({ data }) => done(data), { once: true });
        const frame = document.createElement("iframe");
        if (tokens !== undefined) frame.setAttribute("sandbox", tokens);
        frame.src = src ?? "";
        document.body.append(frame);
        setTimeout(() => done("silent"), 3000);
      }),
    [path, sandbox],
  );
}

test.each([
  ["in our frame", "allow-scripts"],
  ["in a frame that forgot to say so", undefined],
  ["in a frame that allows too much", "allow-scripts allow-same-origin allow-top-navigation"],
])("a hostile report %s reads nothing and reaches nobody", async (_, sandbox) => {
  const sent: Request[] = [];
  const listen = (request: Request) => /whoami|leak|sw\.js|stolen/.test(request.url()) && sent.push(request);
  page.on("request", listen);
  const told = await framed(`${folder}/report/hostile.html`, sandbox);
  page.off("request", listen);
  const asked = sent.filter((request) => request.failure()?.errorText !== "csp").map((request) => request.url());
  const blocked = Object.fromEntries(
    ["cookie", "storage", "page", "api", "picture", "elsewhere", "top", "worker"].map((name) => [name, "blocked"]),
  );
  expect(told).toEqual({ origin: "null", ...blocked });
  expect(asked).toEqual([]);
  expect(page.url()).toBe(`${url}/default`);
});

test("a picture is shown, and its script does not run", async () => {
  const width = await page.evaluate(
    (src) =>
      new Promise((done) => {
        const image = new Image();
        image.onload = () => done(image.naturalWidth);
        image.onerror = () => done("not shown");
        image.src = src;
      }),
    `${folder}/report/picture.svg`,
  );
  expect(width).toBe(8);
  expect(await framed(`${folder}/report/picture.svg`, "allow-scripts")).toBe("silent");
});

test.each(["report/hostile.html", "report/picture.svg", "notes.txt", "model.bin"])(
  "%s opened by itself is a download",
  async (path) => {
    const alone = await on.context.newPage();
    const download = alone.waitForEvent("download");
    await alone.goto(url + folder + "/" + path).catch(() => undefined);
    await (await download).cancel();
    expect(await alone.evaluate(() => document.body.textContent)).toBe("");
  },
);
