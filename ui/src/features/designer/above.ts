// How much of the designer's height the canvas has while a sample is tried: kept by the browser.
const KEPT = "weir.designer.above";

/** In percent. */
export const ABOVE = { min: 20, max: 75 };
const FIRST = 46;

export function keptAbove(): number {
  try {
    const it = Number(localStorage.getItem(KEPT));
    return it >= ABOVE.min && it <= ABOVE.max ? it : FIRST;
  } catch {
    return FIRST;
  }
}

export function keepAbove(it: number): void {
  try {
    localStorage.setItem(KEPT, String(it));
  } catch {
    // Without room it is as at first the next time.
  }
}
