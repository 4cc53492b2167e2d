// How stages spend their time: at work, held up by those behind them, or waiting for what comes in.
import type { Schemas } from "../api/client";

type Time = Schemas["StageTime"];

/** Totals at a moment, since the engine began. */
export interface Reading {
  at: number;
  time: Time;
}

/** Shares of a stage's time, from 0 to 1. */
export interface Load {
  busy: number;
  blocked: number;
}

const WINDOW_MS = 10_000;
const KEPT_MS = 30_000;

/** What is read as it comes; older readings are given up. */
export function withReading(before: readonly Reading[], next: Reading): readonly Reading[] {
  if (before.at(-1)?.at === next.at) return before;
  return [...before.filter((it) => it.at >= next.at - KEPT_MS), next];
}

/** Over the window that ends at `until`; nothing where no pipeline had the stage then. */
export function load(readings: readonly Reading[], until: number): Load | undefined {
  const last = readings.findLast((it) => it.at <= until);
  const first = readings.findLast((it) => it.at <= until - WINDOW_MS) ?? readings[0];
  if (!last || !first || until - last.at > WINDOW_MS) return undefined;
  const open = last.time.openMs - first.time.openMs;
  // An engine that was started again counts anew.
  if (open <= 0) return undefined;
  const share = (key: "busyMs" | "blockedMs") =>
    Math.min(1, Math.max(0, last.time[key] - first.time[key]) / open);
  return { busy: share("busyMs"), blocked: share("blockedMs") };
}
