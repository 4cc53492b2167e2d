// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { type Address, AddressContext, OwnAddress, useAddressed } from "./addressed";

afterEach(cleanup);

test("what is chosen in a dialog is shown in all of it, and leaves the view as it is", () => {
  const written: string[] = [];
  const view: Address = { read: () => "graph", write: (key) => written.push(key) };
  const { result } = renderHook(() => [useAddressed("by"), useAddressed("by")] as const, {
    wrapper: ({ children }) => (
      <AddressContext value={view}>
        <OwnAddress>{children}</OwnAddress>
      </AddressContext>
    ),
  });
  const shown = () => result.current.map(([value]) => value);
  expect(shown()).toEqual(["graph", "graph"]);
  act(() => result.current[0][1](undefined));
  expect(shown()).toEqual([undefined, undefined]);
  act(() => result.current[1][1]("graph"));
  expect(shown()).toEqual(["graph", "graph"]);
  expect(written).toEqual([]);
});
