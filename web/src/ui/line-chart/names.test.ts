import { expect, test } from "vitest";
import { crosses, place } from "./names";

const box = (x: number, y: number) => ({ x, y, width: 20, height: 10 });

test("a line crosses a box between its points as well as at them", () => {
  const line = [
    [0, 0],
    [100, 100],
  ] as const;
  expect(crosses(line, box(40, 45))).toBe(true);
  expect(crosses(line, box(40, 0))).toBe(false);
  expect(
    crosses(
      [
        [50, 0],
        [50, 90],
      ],
      box(40, 45),
    ),
  ).toBe(true);
  expect(
    crosses(
      [
        [61, 0],
        [61, 90],
      ],
      box(40, 45),
    ),
  ).toBe(false);
  expect(crosses([], box(0, 0))).toBe(false);
});

test("a name takes the first place that covers nothing, and another name is worse to cover than a line", () => {
  const places = [box(0, 0), box(0, 50), box(50, 0)];
  expect(place(places, [], [])).toBe(places[0]);
  const upright = [
    [10, 0],
    [10, 100],
  ] as const;
  expect(place(places, [], [upright])).toBe(places[2]);
  expect(place(places, [box(55, 5)], [upright])).toBe(places[0]);
});
