// Where the keyboard is, kept through what changes under it: a button that has become disabled, an entry that was
// removed, a form that is drawn anew. Browsers let it fall to the whole page then, far from where one was.
//
// - K1: it is moved only where it was lost; who put it nowhere, by a click beside everything, is left alone.
// - K2: what comes back while no key was pressed has it again.
// - K3: who goes to another view begins at its title, also where that is drawn later.

const REACHED =
  "a[href], button, input, select, textarea, summary, [contenteditable=true], [tabindex]:not([tabindex='-1'])";
const KEPT_MAX = 8;
const BESIDE_MAX = 6;

interface Spot {
  element: HTMLElement;
  /** What it stands in, from the inside. */
  within: HTMLElement[];
  /** What it is, as far as it is the same when it is drawn anew. */
  is: string;
  /** What follows it and then what stands before it, the nearest first. */
  beside: HTMLElement[];
}

const isThere = (it: Element) => it.isConnected && !it.matches(":disabled") && it.checkVisibility();

/** What an element is to those who use it, whichever object it is. */
export function identity(it: HTMLElement): string {
  if (it.tagName === "H1") return "H1";
  const label = (it as HTMLInputElement).labels?.[0]?.textContent;
  const says = ["name", "role", "type", "aria-label", "data-id", "href", "placeholder"];
  const own = it.matches("input, textarea, select") ? "" : it.textContent;
  return [it.tagName, ...says.map((key) => it.getAttribute(key)), label, own].join("\n");
}

const reached = (within: ParentNode) => [...within.querySelectorAll<HTMLElement>(REACHED)];

function spotOf(element: HTMLElement): Spot {
  const within: HTMLElement[] = [];
  for (let it = element.parentElement; it; it = it.parentElement) within.push(it);
  const all = reached(element.closest("[role=dialog], main") ?? document);
  const at = all.indexOf(element);
  const after = at < 0 ? [] : all.slice(at + 1, at + 1 + BESIDE_MAX);
  const before = at < 0 ? [] : all.slice(Math.max(0, at - BESIDE_MAX), at).reverse();
  return { element, within, is: identity(element), beside: [...after, ...before] };
}

/** Begins to keep it; what comes back is told of another view, and ends it. */
export function keepKeyboard(): { toTitle: () => void; end: () => void } {
  let recent: Spot[] = [];
  let wantsTitle = false;
  // What lost it, and what has it in its place.
  let lent: { from: Spot; to: HTMLElement } | undefined;
  let isOurs = false;

  const title = () => document.querySelector<HTMLElement>("main h1");
  // Nobody went there: what is read stays where it is, but for the title of another view.
  const go = (it: HTMLElement) => {
    isOurs = true;
    it.focus({ preventScroll: it.tagName !== "H1" });
    isOurs = false;
    return document.activeElement === it;
  };
  const again = ({ element, within, is }: Spot) => {
    if (isThere(element)) return element;
    if (element.isConnected) return undefined;
    const around = within.find((it) => it.isConnected);
    const place = around && !around.contains(document.querySelector("main")) ? around : undefined;
    const all = place ?? document.querySelector<HTMLElement>("main");
    const tags = is === "H1" ? [...(all?.querySelectorAll<HTMLElement>("h1") ?? [])] : [];
    return [...tags, ...(all ? reached(all) : [])].find((it) => identity(it) === is && isThere(it));
  };
  const nearest = ({ within, beside }: Spot) => {
    const around = within.find((it) => it.isConnected && it.checkVisibility());
    if (!around || around.contains(document.querySelector("main"))) return undefined;
    return beside.find((it) => around.contains(it) && isThere(it)) ?? beside.find(isThere);
  };
  const look = () => {
    const at = document.activeElement;
    const isLost = !at || at === document.body || at.matches(":disabled");
    if (!isLost) {
      if (lent?.to !== at) return;
      const back = again(lent.from);
      if (back && back !== at) {
        lent = undefined;
        go(back);
      }
      return;
    }
    const found = title();
    if (wantsTitle && found) {
      wantsTitle = false;
      go(found);
      return;
    }
    const [last] = recent;
    if (!last || (last.element !== at && isThere(last.element))) return;
    const next = again(last);
    if (next) return void go(next);
    const other =
      nearest(last) ?? recent.slice(1).find((it) => isThere(it.element))?.element ?? title();
    if (other && go(other)) lent = { from: last, to: other };
  };
  const onFocus = (event: FocusEvent) => {
    const { target } = event;
    if (!(target instanceof HTMLElement) || target === document.body) return;
    const spot = spotOf(target);
    recent = [spot, ...recent.filter((it) => it.element !== target)].slice(0, KEPT_MAX);
    if (isOurs) return;
    lent = undefined;
    if (!target.closest("[role=dialog]")) wantsTitle = false;
  };
  // Known once what happens is over: it was left for nothing, or what had it is gone.
  const onBlur = (event: FocusEvent) => {
    if (event.relatedTarget) return;
    const { target } = event;
    queueMicrotask(() => {
      if (document.activeElement !== document.body) return;
      if (target instanceof HTMLElement && isThere(target)) recent = [];
      else look();
    });
  };
  const onPress = () => {
    lent = undefined;
  };
  const watch = new MutationObserver(look);
  const attributeFilter = ["disabled", "hidden", "open", "inert"];
  watch.observe(document.body, { childList: true, subtree: true, attributeFilter });
  const ends = new AbortController();
  const { signal } = ends;
  document.addEventListener("focusin", onFocus, { signal });
  document.addEventListener("focusout", onBlur, { signal });
  for (const press of ["keydown", "pointerdown", "wheel", "touchmove"])
    document.addEventListener(press, onPress, { capture: true, passive: true, signal });
  return {
    toTitle: () => {
      const found = title();
      wantsTitle = !(found && go(found));
    },
    end: () => {
      watch.disconnect();
      ends.abort();
    },
  };
}
