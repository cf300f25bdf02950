// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ApiError } from "../kernel/api/errors";
import { Field } from "./field";
import { FormDialog, type Given } from "./form-dialog";

beforeAll(() => {
  // jsdom has no modal dialogs.
  HTMLDialogElement.prototype.showModal = function show() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
  };
});
afterEach(cleanup);

function shown(act: (given: Given) => Promise<unknown>, onClose = vi.fn()) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <FormDialog title="Name it" verb="Save" act={act} onClose={onClose}>
        <Field label="Name" name="name" hint="for good">
          <input />
        </Field>
        <Field label="Days" name="days">
          <input type="number" defaultValue={7} />
        </Field>
      </FormDialog>
    </QueryClientProvider>,
  );
  fireEvent.input(screen.getByLabelText("Name"), { target: { value: " late " } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  return onClose;
}

const refuse = (field: string) => async () => {
  throw new ApiError(400, { type: "Invalid", message: "no such name", hint: "take another", field });
};

test("what was written reaches the act by the names of the fields, and the dialog closes", async () => {
  const got = vi.fn();
  const onClose = shown(async (given) => got(given("name"), given("days"), given("other")));
  await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  expect(got).toHaveBeenCalledWith("late", "7", "");
});

test.each(["name", "$.name", "parameters.name"])(
  "what is refused as %s is said at its field, until it changes",
  async (path) => {
    const onClose = shown(refuse(path));
    const field = screen.getByLabelText("Name");
    await waitFor(() => expect(field.getAttribute("aria-invalid")).toBe("true"));
    expect(document.getElementById(field.getAttribute("aria-describedby") ?? "")?.textContent).toBe(
      "no such name: take another",
    );
    expect(document.activeElement).toBe(field);
    expect(screen.queryByRole("alert")).toBeNull();
    expect(onClose).not.toHaveBeenCalled();
    fireEvent.input(field, { target: { value: "later" } });
    await waitFor(() => expect(field.getAttribute("aria-invalid")).toBeNull());
    expect(screen.queryByRole("alert")).toBeNull();
  },
);

test("what is refused and is none of the fields is said below them", async () => {
  shown(refuse("elsewhere"));
  expect((await screen.findByRole("alert")).textContent).toContain("No such name");
});
