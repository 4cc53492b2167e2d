// A text that is being changed: what it is based on, what it was before, and what it was before that. Pure but
// for the last part, which keeps it for the tab.
//
// - T1: what was typed stays until it is saved or discarded by whoever typed it: through a reload, a server that
//   restarts, and a session that ends.
// - T2: there is one history, whichever view the text was changed in.
// - T3: a text is always kept beside the text of the server that it is based on: a step back over a change of that
//   brings both back, so that no save takes away what somebody else wrote and nobody was asked about.

export interface Draft {
  text: string;
  /** What the server had; changes are shown and sent against it. */
  base: string;
  etag: string | undefined;
  past: readonly string[];
  future: readonly string[];
  /** What kind of change was last, and when: those of a kind that follow each other closely are one step. */
  last?: { kind: string; at: number };
  /** What it was before it went on from another text of the server. */
  before?: Draft;
}

const STEPS_MAX = 200;
/** Typing that goes on within this time is one step back. */
const TOGETHER_MS = 900;

export const begun = (base: string, etag: string | undefined): Draft => ({
  text: base,
  base,
  etag,
  past: [],
  future: [],
});

export const isDirty = (it: Draft) => it.text !== it.base;

export const isUndoable = (it: Draft) => it.past.length > 0 || it.before !== undefined;

export function changed(it: Draft, text: string, kind: string, at: number): Draft {
  if (text === it.text) return it;
  const isSameStep =
    kind !== "" &&
    it.last?.kind === kind &&
    at - it.last.at < TOGETHER_MS &&
    it.future.length === 0;
  const past = isSameStep ? it.past : [...it.past, it.text].slice(-STEPS_MAX);
  return { ...it, text, past, future: [], last: { kind, at } };
}

export function undone(it: Draft): Draft {
  const text = it.past.at(-1);
  if (text === undefined) return it.before ?? it;
  return {
    ...it,
    text,
    past: it.past.slice(0, -1),
    future: [it.text, ...it.future],
    last: undefined,
  };
}

export function redone(it: Draft): Draft {
  const [text, ...future] = it.future;
  if (text === undefined) return it;
  return { ...it, text, past: [...it.past, it.text], future, last: undefined };
}

/** The server has it now; what was typed since then is still a change. */
export const saved = (it: Draft, base: string, etag: string | undefined): Draft => ({
  ...it,
  base,
  etag,
});

/** The server has another text now. Where nothing was typed, it is shown; otherwise the save will find out. */
export function refreshed(it: Draft, base: string, etag: string | undefined): Draft {
  return isDirty(it) || it.etag === etag ? it : begun(base, etag);
}

/** Goes on from what the server has instead of what was typed: that is one step back. */
export function replaced(it: Draft, base: string, etag: string | undefined, at: number): Draft {
  if (it.etag === etag && it.base === base) return changed(it, base, "", at);
  return { ...begun(base, etag), before: { ...it, before: undefined } };
}

interface Stored {
  text: string;
  base: string;
  etag?: string;
}

const keyOf = (user: string, project: string, path: string) =>
  `weir.draft.${JSON.stringify([user, project, path])}`;

/** What is to be kept as soon as what was changed is drawn. */
const pending = new Map<string, Draft>();

export function keep(user: string, project: string, path: string, it: Draft): void {
  if (pending.size === 0) setTimeout(flush, 0);
  pending.set(keyOf(user, project, path), it);
}

/** Whoever leaves or asks what is kept does not come before it is. */
function flush(): void {
  for (const [key, it] of pending) {
    try {
      const stored: Stored = { text: it.text, base: it.base, etag: it.etag };
      if (isDirty(it)) sessionStorage.setItem(key, JSON.stringify(stored));
      else sessionStorage.removeItem(key);
    } catch {
      // The browser has no more room: the text is still in the page, which asks before it is left.
    }
  }
  pending.clear();
}
globalThis.addEventListener?.("pagehide", flush);

export function kept(user: string, project: string, path: string): Draft | undefined {
  flush();
  const found = sessionStorage.getItem(keyOf(user, project, path));
  if (!found) return undefined;
  const { text, base, etag } = JSON.parse(found) as Stored;
  return { ...begun(base, etag), text, past: [base] };
}

/** The texts of a project that are not saved in this tab, but for one. */
export function unsavedBeside(
  user: string,
  project: string,
  but: string,
): { path: string; text: string }[] {
  const paths = [...unsaved(user, project)].filter((it) => it !== but).sort();
  return paths.flatMap((path) => {
    const text = kept(user, project, path)?.text;
    return text === undefined ? [] : [{ path, text }];
  });
}

/** The assets of a project of which this tab has text that is not saved. */
export function unsaved(user: string, project: string): ReadonlySet<string> {
  flush();
  const found = new Set<string>();
  for (let at = 0; at < sessionStorage.length; at++) {
    const [, written] = /^weir\.draft\.(.*)$/.exec(sessionStorage.key(at) ?? "") ?? [];
    const [of, within, path] = written ? (JSON.parse(written) as string[]) : [];
    if (of === user && within === project && path) found.add(path);
  }
  return found;
}
