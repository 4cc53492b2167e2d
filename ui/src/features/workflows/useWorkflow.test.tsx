// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Problem } from "../../api/problem";
import { store } from "../../live";
import { useWorkflow } from "./useWorkflow";

test("a workflow that no node has and the schedule wants stays as it was seen last", () => {
  const { result } = renderHook(() => useWorkflow("ticks"));
  act(() => store.take("workflow:ticks", 5, { type: "whole", value: { name: "ticks" } }));
  expect(result.current).toMatchObject({ value: { name: "ticks" }, nowhere: undefined });
  const problem = { status: 404, detail: "there is no workflow" } as Problem;
  act(() => store.take("workflow:ticks", 6, { type: "refused", problem }));
  expect(result.current).toMatchObject({ problem, nowhere: undefined });
  const workflows = [{ workflow: "ticks", target: 2, placed: 0 }];
  act(() => store.take("schedule", 7, { type: "whole", value: { workflows } }));
  expect(result.current).toEqual({ value: { name: "ticks" }, at: 5, nowhere: workflows[0] });
  act(() => store.take("workflow:ticks", 8, { type: "whole", value: { name: "ticks" } }));
  expect(result.current.nowhere).toBeUndefined();
});
