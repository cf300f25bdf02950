import { describe, expect, test } from "vitest";
import { choice, flag, instant, list, number, parseSearch, query, stringifySearch, text } from "./url";

describe("fields", () => {
  test("what is as it is anyway is not written", () => {
    const fields = {
      tab: choice("versions", "schema"),
      sort: text("-started_at"),
      ids: list(),
      page: number(0),
      open: flag(),
    };
    expect(query(fields, { tab: "versions", sort: "-started_at", ids: [], page: 0, open: false })).toBe("");
    expect(query(fields, { tab: "schema", ids: ["a", "b"], page: 2, open: true })).toBe(
      "?tab=schema&ids=a&ids=b&page=2&open=1",
    );
  });

  test("what an address should not hold is read as what is usual", () => {
    expect(choice("versions", "schema").read(["nonsense"])).toBe("versions");
    expect(number(3).read(["x"])).toBe(3);
    expect(number().read([])).toBeUndefined();
    expect(instant().read(["2013-05-03"])).toBe("2013-05-03");
    expect(instant().read(["yesterday"])).toBeUndefined();
  });
});

test("a search survives its way through an address", () => {
  const search = {
    at: "2013-05-03T04:00:00Z",
    ref: "model:late@7",
    where: ["metrics.auc > 0.7", "name ~ a&b"],
    empty: "",
  };
  expect(parseSearch(stringifySearch(search))).toEqual(search);
  expect(stringifySearch({ ref: "model:late@7" })).toBe("?ref=model:late@7");
});
