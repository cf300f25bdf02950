/** The colours of tokens as a canvas takes them, in the theme that holds now. */
export function resolver(within: HTMLElement): (token: string, share?: number) => string {
  const probe = document.createElement("span");
  const known = new Map<string, string>();
  return (token, share = 100) => {
    const key = `${token} ${share}`;
    const found = known.get(key);
    if (found) return found;
    probe.style.color =
      share === 100 ? `var(--${token})` : `color-mix(in srgb, var(--${token}) ${share}%, transparent)`;
    within.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    known.set(key, colour);
    return colour;
  };
}
