// Numbers, times and sizes as people read them.

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** A name that is longer than this is cut in its middle: its beginning and its end tell it from others. */
const NAME_MOST = 48;

export function cutName(name: string, most = NAME_MOST): string {
  const all = [...name];
  if (all.length <= most) return name;
  const end = Math.floor((most - 1) / 2);
  return `${all.slice(0, most - 1 - end).join("")}…${all.slice(-end).join("")}`;
}

export const count = (n: number) => COUNT.format(n);
export const short = (n: number) => (n < 10_000 ? COUNT.format(n) : SHORT.format(n));

/** Per second; a dash where it is not known. Small rates keep a digit, so that they don't look like nothing. */
export function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return "–";
  if (perSecond === 0) return "0/s";
  if (perSecond < 0.1) return "<0.1/s";
  return `${perSecond < 10 ? perSecond.toFixed(1) : short(Math.round(perSecond))}/s`;
}

/** Of a share from 0 to 1. */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export function bytes(n: number): string {
  let [value, step] = [n, 0];
  while (value >= 1_024 && step < SIZES.length - 1) [value, step] = [value / 1_024, step + 1];
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${SIZES[step]}`;
}

/** A length of time in its two largest units. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const s = ms / 1_000;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.floor(s)} s`;
  const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3_600), Math.floor(s / 86_400)];
  if (m < 60) return `${m} min ${Math.floor(s % 60)} s`;
  if (h < 24) return `${h} h ${m % 60} min`;
  return `${d} d ${h % 24} h`;
}

/** How long ago, in one unit. */
export function ago(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  if (s < 5) return "now";
  if (s < 60) return `${s} s ago`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}

const two = (n: number) => String(n).padStart(2, "0");

/** Of this browser's zone, to the second; the date where it is not today. */
export function time(at: number | string, now = Date.now()): string {
  const [it, today] = [new Date(at), new Date(now)];
  const clock = `${two(it.getHours())}:${two(it.getMinutes())}:${two(it.getSeconds())}`;
  if (it.toDateString() === today.toDateString()) return clock;
  return `${it.getFullYear()}-${two(it.getMonth() + 1)}-${two(it.getDate())} ${clock}`;
}

export const plural = (n: number, one: string, many = `${one}s`) =>
  `${count(n)} ${n === 1 ? one : many}`;

/** What stands in a name of many words: `committedWithWarnings` → `committed with warnings`. */
export const words = (name: string) => name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
