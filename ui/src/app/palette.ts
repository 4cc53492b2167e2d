// What the palette offers, and in which order: a pure function of what is there and what was typed.

export interface Offer {
  title: string;
  kind: string;
  /** Where it leads. */
  path: string;
  /** What it does instead. */
  onDo?: () => void;
}

const MOST = 12;

/** Offers that have all that was typed, those first whose title begins with it. */
export function offered(all: readonly Offer[], typed: string): Offer[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (it: Offer) =>
    words.every((word) => `${it.kind} ${it.title}`.toLowerCase().includes(word));
  const rank = (it: Offer) => (it.title.toLowerCase().startsWith(words[0] ?? "") ? 0 : 1);
  return all
    .filter(fits)
    .map((it, at) => ({ it, at }))
    .sort((a, b) => rank(a.it) - rank(b.it) || a.at - b.at)
    .slice(0, MOST)
    .map(({ it }) => it);
}
