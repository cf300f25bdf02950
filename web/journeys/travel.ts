import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { launch, settled, signIn, url, watched } from "./browser.mjs";

/** A page, and what is wrong with it from its beginning: see `watched`. */
export interface Opened {
  page: Page;
  problems: string[];
}

let launched: Promise<Browser> | undefined;

/** A browser in which the administrator is signed in, from the first journey of a file to the last; the next file finds it empty again. */
export function travel() {
  let browser: Browser;
  let context: BrowserContext;
  let kept: readonly Page[] | undefined; // what the hooks of the file have opened
  const pages = () => browser.contexts().flatMap((one) => one.pages());
  beforeAll(async () => {
    launched ??= launch(); // one for all files; it ends with the process
    browser = await launched;
    const storageState = await signIn(browser);
    context = await browser.newContext({
      storageState,
      viewport: { width: 1440, height: 900 },
      reducedMotion: "reduce",
    });
  });
  beforeEach(() => {
    kept ??= pages();
  });
  // What happens in the next journey would be asked for again by every page that is still open.
  afterEach(() => Promise.all(pages().map((page) => kept?.includes(page) || page.close())));
  afterAll(() => Promise.all(browser.contexts().map((left) => left.close())));
  return {
    /** For what needs a sign-in of its own. */
    get browser(): Browser {
      return browser;
    },
    get context(): BrowserContext {
      return context;
    },
    /** Goes to a page and waits for all that it loads. */
    async open(path: string, own: BrowserContext = context): Promise<Opened> {
      const page = await own.newPage();
      const problems = await watched(page);
      await page.goto(url + path);
      await settled(page);
      return { page, problems };
    },
  };
}
