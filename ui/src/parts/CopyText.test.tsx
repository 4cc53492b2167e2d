// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CopyText } from "./CopyText";

/** What stands in the clipboard, and which ways there are to it. */
let [board, isLet] = ["", true];
beforeEach(() => {
  [board, isLet] = ["", true];
  vi.stubGlobal("navigator", { ...navigator, clipboard: undefined });
  document.execCommand = () => {
    const { activeElement } = document;
    if (isLet && activeElement instanceof HTMLTextAreaElement) board = activeElement.value;
    return isLet;
  };
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function pressed() {
  render(
    <MantineProvider env="test">
      <CopyText text="/srv/in" what="path" />
    </MantineProvider>,
  );
  const button = screen.getByRole("button", { name: "Copy the path /srv/in" });
  button.focus();
  await act(async () => void fireEvent.click(button));
  return button;
}

test("without the clipboard of the browser it is selected and copied", async () => {
  const button = await pressed();
  expect(board).toBe("/srv/in");
  expect(button.textContent).toBe("✓");
  expect(document.activeElement).toBe(button);
  expect(screen.queryByRole("textbox", { hidden: true })).toBeNull();
});

test("where nothing may be copied it is shown, and that is said", async () => {
  isLet = false;
  await pressed();
  const field = screen.getByLabelText(/lets this page copy nothing/) as HTMLTextAreaElement;
  expect(field.value).toBe("/srv/in");
});

test("where there is a clipboard it is used, unless that is refused", async () => {
  vi.stubGlobal("navigator", {
    clipboard: {
      writeText: async (text: string) => {
        board = `written ${text}`;
      },
    },
  });
  await pressed();
  expect(board).toBe("written /srv/in");
  cleanup();
  vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.reject(new Error("no")) } });
  await pressed();
  expect(board).toBe("/srv/in");
});
