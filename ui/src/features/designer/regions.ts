// Where the keyboard goes in the designer: from the palette to the canvas, from stage to stage, to what is chosen and
// to what is wrong. Which stage is next is a pure function of where they stand.
import type { Places } from "./places";

const find = (selector: string) => document.querySelector<HTMLElement>(selector);

/** What was looked for before is chosen: who types looks for something else. */
export const toPalette = () => {
  const field = find("[data-palette]") as HTMLInputElement | null;
  field?.focus();
  field?.select();
};
export const toInspector = () => find("[data-inspector]")?.focus();
export const toCode = () =>
  find("[data-code]")?.shadowRoot?.querySelector<HTMLElement>(".cm-content")?.focus();

/** To the first thing that leads to a problem or mends one. */
export function toProblems(): boolean {
  const lists = [...document.querySelectorAll("main ul[aria-label=Problems]")];
  const first = lists.map((it) => it.querySelector<HTMLElement>("button")).find((it) => it);
  first?.focus();
  return first !== undefined;
}

/** To a stage, or to the canvas as a whole while it is not drawn. */
export function toStage(stage: string | undefined): void {
  const drawn = () => (stage ? find(`.react-flow__node[data-id="${CSS.escape(stage)}"]`) : null);
  const canvas = find("[data-designer]");
  (drawn() ?? canvas)?.focus({ preventScroll: true });
  if (!stage || drawn()) return;
  // Of many, one that was out of sight is drawn a moment later.
  const later = () => {
    if (document.activeElement === canvas) drawn()?.focus({ preventScroll: true });
  };
  requestAnimationFrame(() => requestAnimationFrame(later));
}

const STEPS: Record<string, readonly [across: number, down: number]> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

export const isStep = (key: string) => key in STEPS;

/** How much farther something is that stands aside of the way. */
const ASIDE = 2;

/** The nearest stage in a direction; none where there is none. */
export function neighbour(places: Places, from: string, key: string): string | undefined {
  const [step, here] = [STEPS[key], places[from]];
  if (!step || !here) return undefined;
  const [across, down] = step;
  const far = Object.entries(places).flatMap(([id, { x, y }]) => {
    const [dx, dy] = [x - here.x, y - here.y];
    const ahead = dx * across + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * across);
    return id === from || ahead <= 0 ? [] : [{ id, far: ahead + aside * ASIDE }];
  });
  return far.sort((a, b) => a.far - b.far)[0]?.id;
}
