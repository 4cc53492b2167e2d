// What part of the canvas is shown: pure functions of where the stages stand and how large it is.
import { type Place, type Places, WIDTH } from "./places";

export interface View extends Place {
  zoom: number;
}

export interface Size {
  width: number;
  height: number;
}

const HEIGHT = 58;
const MARGIN = 24;
/** Names can be read at this zoom still: with less, one begins with a part, and with more, one goes on. */
const READABLE = 0.6;
const WORKABLE = 0.7;
const PART = 0.85;
const LEAST = 0.1;

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function boxOf(places: readonly Place[]): Box | undefined {
  if (places.length === 0) return undefined;
  const [xs, ys] = [places.map((it) => it.x), places.map((it) => it.y)];
  const least = (all: number[]) => all.reduce((a, b) => Math.min(a, b));
  const most = (all: number[]) => all.reduce((a, b) => Math.max(a, b));
  return { left: least(xs), top: least(ys), right: most(xs) + WIDTH, bottom: most(ys) + HEIGHT };
}

const centred = (box: Box, { width, height }: Size, zoom: number): View => ({
  x: width / 2 - ((box.left + box.right) / 2) * zoom,
  y: height / 2 - ((box.top + box.bottom) / 2) * zoom,
  zoom,
});

function fitting(box: Box, { width, height }: Size): number {
  const across = (width - 2 * MARGIN) / (box.right - box.left);
  const down = (height - 2 * MARGIN) / (box.bottom - box.top);
  return Math.max(LEAST, Math.min(1, across, down));
}

function isIn(box: Box, view: View, { width, height }: Size): boolean {
  const left = box.left * view.zoom + view.x;
  const right = box.right * view.zoom + view.x;
  const top = box.top * view.zoom + view.y;
  const bottom = box.bottom * view.zoom + view.y;
  return left >= 0 && top >= 0 && right <= width && bottom <= height;
}

/** All of it, however small. */
export function whole(places: Places, size: Size): View | undefined {
  const box = boxOf(Object.values(places));
  return box && centred(box, size, fitting(box, size));
}

/** All of it where that can be read, else where the records begin, or where the stage is that is chosen. */
export function opened(places: Places, size: Size, chosen?: string): View | undefined {
  const all = Object.values(places);
  const box = boxOf(all);
  if (!box) return undefined;
  const zoom = fitting(box, size);
  if (zoom >= READABLE) return centred(box, size, zoom);
  const first = all.reduce((a, b) => (b.x < a.x || (b.x === a.x && b.y < a.y) ? b : a));
  const view = {
    x: MARGIN - box.left * PART,
    y: size.height / 2 - (first.y + HEIGHT / 2) * PART,
    zoom: PART,
  };
  // What is above all of them is nothing to look at.
  const isHigh = box.top * PART + view.y > MARGIN;
  const isLow = (box.bottom - box.top) * PART > size.height - 2 * MARGIN;
  const begun = isHigh && isLow ? { ...view, y: MARGIN - box.top * PART } : view;
  return (chosen !== undefined && brought(places, [chosen], begun, size)) || begun;
}

/** Those stages in sight: by no more than is needed, and not at all where they are. */
export function brought(
  places: Places,
  ids: readonly string[],
  view: View,
  size: Size,
): View | undefined {
  const box = boxOf(ids.flatMap((id) => places[id] ?? []));
  if (!box || isIn(box, view, size)) return undefined;
  const zoom = Math.min(view.zoom, Math.max(READABLE, fitting(box, size)));
  const at = { ...centred(box, size, view.zoom), zoom: view.zoom };
  return zoom === view.zoom ? at : centred(box, size, zoom);
}

/** After stages came: they are in sight, and all of it stays so where it was. */
export function followed(
  before: Places,
  now: Places,
  ids: readonly string[],
  view: View,
  size: Size,
): View | undefined {
  const [was, box] = [boxOf(Object.values(before)), boxOf(Object.values(now))];
  if (!box) return undefined;
  const isOut = brought(now, ids, view, size) !== undefined;
  const wasWhole = was === undefined || isIn(was, view, size);
  if (!isOut && (!wasWhole || isIn(box, view, size))) return undefined;
  const zoom = fitting(box, size);
  if (zoom >= WORKABLE) return centred(box, size, zoom);
  return brought(now, ids, view, size);
}
