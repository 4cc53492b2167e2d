// How current the page is: plain functions of when the server was heard last.
import { type Problem, UNREACHED } from "../api/problem";

export type Contact = "connecting" | "live" | "lost" | "refused" | "paused";

export interface Link {
  contact: Contact;
  /** When the server was heard last. */
  heardAt: number;
  /** Why the stream was refused. */
  problem?: Problem;
}

/** The server says something each 5 s: after that it is late. */
export const LATE_MS = 6_500;

/** For how long what is shown is not that of now; absent while it is. */
export function silentMs({ contact, heardAt }: Link, now: number): number | undefined {
  if (heardAt === 0) return undefined;
  const age = Math.max(0, now - heardAt);
  if (contact === "paused") return age;
  return age > LATE_MS ? age : undefined;
}

/** Why nothing comes; absent where something may come any moment. */
export function refusalOf({ contact, heardAt, problem }: Link): Problem | undefined {
  if (contact === "live" || contact === "paused") return undefined;
  return problem ?? (contact === "lost" && heardAt === 0 ? UNREACHED : undefined);
}
