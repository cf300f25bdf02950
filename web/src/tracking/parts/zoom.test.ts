import { expect, test } from "vitest";
import { zoomField } from "./zoom";

test("a zoom stands in the address as two steps, and what is none shows all", () => {
  const { read, write } = zoomField();
  expect(write([120.4, 480.2])).toEqual(["120~480"]);
  expect(read(["120~480"])).toEqual([120, 480]);
  for (const wrong of ["", "5", "9~3", "a~b", "~"]) expect(read([wrong])).toBeUndefined();
  expect(write(undefined)).toBeUndefined();
});
