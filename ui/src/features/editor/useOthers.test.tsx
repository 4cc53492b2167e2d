// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useOthers } from "./useOthers";

const KNOWN_AT = 1_000_000;
const KEY_MS = 300;
beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(KNOWN_AT);
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** Of an asset that is open: its text is known since `KNOWN_AT`. */
function typing(asked: () => Promise<string>) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queries.setQueryData(["asset", "p", "a"], "text");
  const { result } = renderHook(
    () => {
      useQuery({ queryKey: ["asset", "p", "a"], queryFn: asked, staleTime: 3_600_000 });
      return useOthers("p", "a");
    },
    {
      wrapper: ({ children }) => (
        <QueryClientProvider client={queries}>{children}</QueryClientProvider>
      ),
    },
  );
  return async (letters: number) => {
    for (let it = 0; it < letters; it++) {
      await act(() => vi.advanceTimersByTimeAsync(KEY_MS));
      act(() => result.current(KNOWN_AT));
    }
  };
}

test("whoever types on looks again after a while, and not with each letter", async () => {
  const asked = vi.fn(() => Promise.reject(new Error("503")));
  const type = typing(asked);
  await type(30);
  expect(asked, "what is known is from just now").not.toHaveBeenCalled();
  await type(30);
  expect(asked, "it was refused").toHaveBeenCalledTimes(1);
});

test("what is asked already is not asked again before it is answered", async () => {
  const asked = vi.fn((): Promise<string> => new Promise(() => undefined));
  await typing(asked)(200);
  expect(asked).toHaveBeenCalledTimes(1);
});
