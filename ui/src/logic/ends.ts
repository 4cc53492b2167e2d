// When something ends, as a certificate, and how urgent that is.
import type { Tone } from "./state";

const DAY_MS = 86_400_000;
export const SOON_DAYS = 14;

export interface End {
  tone: Extract<Tone, "ok" | "warn" | "err">;
  text: string;
}

export function end(at: number, now: number): End {
  const days = Math.floor((at - now) / DAY_MS);
  if (at <= now) return { tone: "err", text: "has ended" };
  if (days < SOON_DAYS)
    return {
      tone: "warn",
      text: days < 1 ? "ends today" : `in ${days} ${days === 1 ? "day" : "days"}`,
    };
  return { tone: "ok", text: `in ${days} days` };
}
