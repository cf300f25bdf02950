const CODE = /^#\/sign-in\/([A-Za-z0-9_-]+)$/;
let kept = "";

export function hasCode(): boolean {
  return CODE.test(location.hash);
}

/** Takes the one-time code of an address like `/#/sign-in/CODE` out of it, before the history or anybody's shoulder keeps it. */
export function takeCode(): void {
  const found = CODE.exec(location.hash);
  if (!found) return;
  kept = found[1] ?? "";
  history.replaceState(null, "", "/sign-in");
}

/** The code that was taken; it works once. */
export function takenCode(): string {
  return kept;
}

export function forgetCode(): void {
  kept = "";
}

/** What the sign-in page is told so that it leads back to where one was. */
export function backTo(): { back?: string } {
  const here = location.pathname + location.search;
  return here === "/" || here.startsWith("/sign-in") ? {} : { back: here };
}

/** Where to go once signed in: a path of ours and of nobody else. */
export function safeBack(given: unknown): string {
  if (typeof given !== "string" || !given.startsWith("/")) return "/";
  const target = new URL(given, location.origin);
  return target.origin === location.origin ? target.pathname + target.search : "/";
}
