import { describe, expect, test } from "vitest";
import { fitting, nearFocus } from "./sight";

const laid = (width: number, height: number, x: number, y: number) => ({
  width,
  height,
  at: { a: { x, y } },
  ways: [],
});

describe("the sight of a graph", () => {
  test("is no higher than a broad picture needs", () => {
    expect(fitting({ width: 2000, height: 300 }, 1032, 600)).toBe(Math.round(150 * 1.1 + 104));
    expect(fitting({ width: 500, height: 3000 }, 1000, 600)).toBe(600);
    expect(fitting({ width: 100, height: 40 }, 1000, 600)).toBe(160);
    expect(fitting({ width: 100, height: 40 }, 1000, 120)).toBe(120);
  });

  test("shows all where all can be read", () => {
    expect(nearFocus(laid(1500, 500, 0, 0), "a", 1000, 600)).toBeUndefined();
  });

  test("is full of the graph, with the focus at an end as well", () => {
    for (const [x, y] of [
      [0, 0],
      [3820, 4956],
      [1900, 2500],
    ] as const) {
      const view = nearFocus(laid(4000, 5000, x, y), "a", 1000, 600);
      if (!view) throw new Error("it does not fit");
      const left = -view.x / view.zoom;
      const top = -view.y / view.zoom;
      expect(left).toBeGreaterThanOrEqual(-30);
      expect(top).toBeGreaterThanOrEqual(-30);
      expect(left + 1000 / view.zoom).toBeLessThanOrEqual(4030);
      expect(top + 600 / view.zoom).toBeLessThanOrEqual(5030);
      expect(x + 180).toBeGreaterThan(left);
      expect(x).toBeLessThan(left + 1000 / view.zoom);
    }
  });

  test("of a high graph is as near as its width allows", () => {
    const view = nearFocus(laid(800, 9000, 0, 8000), "a", 1000, 600);
    expect(view?.zoom).toBe(1);
    expect(view?.x).toBe(100);
  });
});
