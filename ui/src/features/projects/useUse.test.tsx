// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Schemas } from "../../api/client";
import { Refusal } from "../../api/problem";
import type { Column } from "./matrix";
import { useUse } from "./useUse";

/** What the server has, and what its answers wait for. */
const server = vi.hoisted(() => ({ text: "", etag: 0, sent: 0, held: Promise.resolve() }));
vi.mock("./projects", async (original) => ({
  ...(await original<typeof import("./projects")>()),
  assetOf: async () => ({ text: server.text, etag: String(server.etag) }),
  written: async (_project: string, _path: string, text: string, etag: string) => {
    server.sent++;
    await server.held;
    if (etag !== String(server.etag))
      throw new Refusal({ status: 412, title: "stale" } as Refusal["problem"]);
    server.text = text;
    server.etag++;
  },
}));

const BEGUN = "spec:\n  environments:\n    - day\n";
beforeEach(() => Object.assign(server, { text: BEGUN, etag: 1, sent: 0, held: Promise.resolve() }));
afterEach(cleanup);

function using() {
  const queries = new QueryClient();
  const views = [{ path: "project.yaml", kind: "Project", text: BEGUN, etag: "1" }];
  return renderHook(
    () =>
      useUse({ project: "p", views: views as unknown as Schemas["AssetView"][] }, "Environment"),
    {
      wrapper: ({ children }) => (
        <QueryClientProvider client={queries}>{children}</QueryClientProvider>
      ),
    },
  ).result;
}
const column = (name: string) => ({ name }) as Column;

test("what somebody else wrote into the project meanwhile stays, with one more name", async () => {
  const it = using();
  Object.assign(server, { text: `${BEGUN}    - theirs\n`, etag: 2 });
  await act(() => it.current.use(column("night")));
  expect(server.text).toBe(`${BEGUN}    - theirs\n    - night\n`);
  expect(it.current.problem).toBeUndefined();
});

test("while one is put there, another press sends nothing", async () => {
  const it = using();
  let go: () => void = () => undefined;
  server.held = new Promise((done) => {
    go = done;
  });
  let first = Promise.resolve();
  act(() => {
    first = it.current.use(column("night"));
  });
  expect(it.current.isBusy).toBe(true);
  await act(() => it.current.use(column("noon")));
  go();
  await act(() => first);
  expect([server.sent, server.text]).toEqual([1, `${BEGUN}    - night\n`]);
  expect(it.current.isBusy).toBe(false);
});
