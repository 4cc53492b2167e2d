// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { Until } from "./Tokens";

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("a token has ended when its time comes, while one looks at it", () => {
  vi.useFakeTimers();
  const at = new Date(Date.now() + 30_000).toISOString();
  render(
    <MantineProvider>
      <Until at={at} />
    </MantineProvider>,
  );
  expect(screen.queryByText("expired")).toBeNull();
  act(() => void vi.advanceTimersByTime(31_000));
  expect(screen.getByText("expired")).toBeTruthy();
});
