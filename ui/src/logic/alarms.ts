// Alarms as they are shown: their order, what they are about, how many there are. The cluster keeps them; nothing
// here finds one.
import type { Schemas } from "../api/client";
import { plural } from "./format";
import type { Tone } from "./state";

export type Alarm = Schemas["Alarm"];
export type Severity = Alarm["severity"];
type BySeverity = Schemas["AlarmCounts"]["standing"];

/** The worst first. */
export const SEVERITIES: readonly Severity[] = ["error", "warning", "info"];

export const TONES = { error: "err", warning: "warn", info: "info" } as const satisfies Record<
  Severity,
  Tone
>;

/** Where one goes to do something about what is wrong. */
export type Where =
  | { to: "node"; name: string }
  | { to: "workflow"; name: string }
  | { to: "letters"; workflow: string }
  | { to: "paused"; workflow: string }
  | { to: "scheduler"; workflow: string }
  | { to: "source"; name: string }
  | { to: "deployments" }
  | { to: "cluster" }
  | { to: "fleet" };

/** Nothing where another version knows more kinds of things. */
export function whereOf({ kind, subject }: Pick<Alarm, "kind" | "subject">): Where | undefined {
  const { name } = subject;
  if (kind === "activation-failed") return { to: "deployments" };
  if (kind === "workflow-unplaced") return { to: "scheduler", workflow: name };
  if (kind === "streams-paused") return { to: "paused", workflow: name };
  if (kind === "dead-letters") return { to: "letters", workflow: name };
  const views: Partial<Record<string, Where>> = {
    cluster: { to: "cluster" },
    controller: { to: "cluster" },
    node: { to: "node", name },
    source: { to: "source", name },
    workflow: { to: "workflow", name },
  };
  return views[subject.kind];
}

const rankOf = (it: Alarm) => 2 * SEVERITIES.indexOf(it.severity) + (it.confirmation ? 1 : 0);

const compared = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0);

/** The worst first; of these what nobody has confirmed, and then the newest. */
export const inOrder = (all: readonly Alarm[]): Alarm[] =>
  [...all].sort(
    (a, b) =>
      rankOf(a) - rankOf(b) ||
      compared(Date.parse(b.raisedAt), Date.parse(a.raisedAt)) ||
      compared(Number(b.id), Number(a.id)),
  );

/** Whether more stand than are followed: of very many, only the worst are. */
export const isPart = ({ items, counts }: Schemas["Alarms"]): boolean =>
  total(counts.standing) > items.length;

/** What is followed, and what was asked for beside it: of one that is in both, what is followed is newer. */
export function joined(followed: readonly Alarm[], asked: readonly Alarm[]): Alarm[] {
  const known = new Set(followed.map((it) => it.id));
  return [...followed, ...asked.filter((it) => !known.has(it.id))];
}

/** Whether it is one of the severities that an address names: `error,warning`; all where it names none. */
export const isOf = (it: Alarm, severities: string | undefined): boolean =>
  !severities || severities.split(",").includes(it.severity);

/** All of it that one may look for. */
export const textOf = ({ subject, message, code, confirmation }: Alarm): string =>
  [subject.name, message, code, confirmation?.by, confirmation?.note].filter(Boolean).join(" ");

/** What it is about, and what is wrong with it: its message begins with its subject, as far as that has a name. */
export function said({ subject: { name }, message }: Alarm): { what: string; why: string } {
  const rest = message.slice(name.length);
  if (!message.startsWith(name) || /^[^\s:,]/.test(rest)) return { what: message, why: "" };
  return { what: name, why: rest.replace(/^: ?/, "– ").trim() };
}

/** How long it stood; nothing where it stands. */
export const lastedMs = ({ raisedAt, clearedAt }: Alarm): number | undefined =>
  clearedAt ? Date.parse(clearedAt) - Date.parse(raisedAt) : undefined;

/** What came again while it stood, or soon after, is the same alarm. */
export const timesOf = ({ count }: Alarm): string =>
  count > 1 ? `raised ${plural(count, "time")}` : "raised once";

/** How each severity is called. */
export const NAMES = { error: "error", warning: "warning", info: "note" };

/** `1 error, 2 warnings`; nothing of what there is none of. */
export const counted = (of: BySeverity): string =>
  SEVERITIES.filter((it) => of[it] > 0)
    .map((it) => plural(of[it], NAMES[it]))
    .join(", ");

export const total = (of: BySeverity): number => of.error + of.warning + of.info;

export interface Tally {
  count: number;
  tone: (typeof TONES)[Severity];
  text: string;
}

/** What is said in a badge: how many there are, by the worst of them. */
export function tally(of: BySeverity): Tally | undefined {
  const worst = SEVERITIES.find((it) => of[it] > 0);
  if (!worst) return undefined;
  return { count: total(of), tone: TONES[worst], text: counted(of) };
}

/** Whether others may have changed meanwhile: what is not followed is read again when this is other. */
export const newsOf = ({ items, counts }: Schemas["Alarms"]): string =>
  JSON.stringify([counts, items.map((it) => it.id).sort()]);
