import { expect, test } from "vitest";
import { type Column, fitting } from "./columns";

const column = (id: string, width: number, minor = false): Column<object> => ({
  id,
  head: id,
  width,
  ...(minor && { minor }),
  cell: () => id,
});
const ALL = [column("name", 150), column("took", 100, true), column("state", 100), column("by", 100, true)];
const shown = (room: number, picks = false) => fitting(ALL, room, picks).map(({ id }) => id);

test("a narrow place leaves out the last of what matters less first, and never what matters", () => {
  expect(shown(450)).toEqual(["name", "took", "state", "by"]);
  expect(shown(449)).toEqual(["name", "took", "state"]);
  expect(shown(349)).toEqual(["name", "state"]);
  expect(shown(100)).toEqual(["name", "state"]);
  expect(shown(350, true)).toEqual(["name", "state"]);
});

test("a wide place scrolls rather than leave anything out, and so does one of which nothing is known yet", () => {
  const wide = [...ALL, column("what", 400, true)];
  expect(fitting(wide, 700, false)).toBe(wide);
  expect(shown(0)).toHaveLength(4);
});
