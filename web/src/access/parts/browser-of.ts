const BROWSERS = [
  /(Edg)\/(\d+)/,
  /(OPR)\/(\d+)/,
  /(Firefox)\/(\d+)/,
  /(HeadlessChrome)\/(\d+)/,
  /(Chrome)\/(\d+)/,
  /(Safari)\/(\d+)/,
];
const NAMES: Readonly<Record<string, string>> = {
  Edg: "Edge",
  OPR: "Opera",
  HeadlessChrome: "Headless Chrome",
};
const SYSTEMS = [/Android/, /iPhone|iPad/, /Windows/, /Mac OS X/, /Linux/];

/** A browser as people call it, from what it says of itself. */
export function browserOf(agent: string): string {
  const found = BROWSERS.map((pattern) => pattern.exec(agent)).find(Boolean);
  const system = SYSTEMS.map((pattern) => pattern.exec(agent)).find(Boolean)?.[0];
  if (!found) return agent.slice(0, 40) || "unknown";
  const [, name = "", version] = found;
  return `${NAMES[name] ?? name} ${version}${system ? ` on ${system}` : ""}`;
}
