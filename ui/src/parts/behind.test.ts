import { expect, test } from "vitest";
import { History } from "../live/history";
import { LiveStore } from "../live/store";
import { NO_COUNTS } from "../logic/counts.fixture";
import { behindOf } from "./behind";

const stage = (id: string, kind: string, recordsIn: number, recordsOut: number, at: number) => ({
  id,
  kind,
  role: "operator" as const,
  onError: "rollback" as const,
  counts: { ...NO_COUNTS, recordsIn, recordsOut },
  time: { openMs: at, busyMs: 0, blockedMs: 0 },
});

test("a workflow of which more comes in than it takes falls behind, where its stages are looked at", () => {
  const store = new LiveStore();
  const history = new History(store);
  const told = (at: number) =>
    store.take("workflow:w", at, {
      type: "whole",
      value: {
        name: "w",
        project: "p",
        state: "processing",
        instances: 1,
        openStreams: 1,
        committed: 0,
        committedWithWarnings: 0,
        rolledBack: 0,
        counts: NO_COUNTS,
        startedAt: "",
        stages: [
          stage("make", "generator", 0, at / 5, at),
          stage("slow", "throttle", at / 10, at / 10, at),
        ],
        edges: [{ from: "make", port: "out", to: "slow" }],
      },
    });
  told(1_000);
  expect(behindOf(history, "w", 1_000)).toBeUndefined();
  history.followStages("w");
  for (const at of [11_000, 21_000]) told(at);
  expect(behindOf(history, "w", 21_000)).toMatchObject({ stage: "slow", by: 100, waiting: 2_100 });
  expect(behindOf(history, "w", 60_000), "nobody has looked since").toBeUndefined();
});
