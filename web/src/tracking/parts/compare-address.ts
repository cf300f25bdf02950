import { list, query } from "../../kernel/url";

const FIELDS = { ids: list() };
/** As many as the server compares. */
export const MOST = 100;

export function compareAddress(project: string, ids: readonly string[]): string {
  return `/${project}/runs/compare${query(FIELDS, { ids: ids.slice(0, MOST) })}`;
}
