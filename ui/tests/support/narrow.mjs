// What does not fit into a narrow window, found on the page itself.
import { lasting } from "./browser.mjs";

/**
 * Each thing that reaches beyond the window, or beyond a box that hides the rest of it, and is in no part that scrolls
 * by itself: nobody could come to it. Graphs, charts and the code have two dimensions, and may need both.
 */
export const beyond = (page) => lasting(() => page.evaluate(reachesBeyond));

function reachesBeyond() {
  const apart = ".react-flow, .uplot, .cm-editor, [data-code], .hidden, [aria-hidden=true]";
  const width = document.documentElement.clientWidth;
  const scrolls = (it) => ["auto", "scroll"].includes(getComputedStyle(it).overflowX);
  const name = (it) =>
    `${it.tagName.toLowerCase()}.${String(it.className.baseVal ?? it.className).split(" ")[0]} “${it.textContent.trim().slice(0, 40)}”`;
  const found = [];
  for (const it of document.body.querySelectorAll("*")) {
    const { right, left, width: own } = it.getBoundingClientRect();
    if (own === 0 || (right <= width + 1 && left >= -1)) continue;
    if (it.closest(apart) || getComputedStyle(it).position === "fixed") continue;
    let above = it;
    while (above && above !== document.body && !scrolls(above)) above = above.parentElement;
    if (above && above !== document.body) continue;
    // Text that is cut says so by its dots; what one presses must be there whole.
    const cut = it.closest(".cut");
    if (cut && cut.getBoundingClientRect().right <= width + 1) continue;
    if (left <= -9_000) continue;
    found.push(`${name(it)} from ${Math.round(left)} to ${Math.round(right)}`);
  }
  for (const it of document.querySelectorAll("header button, header a")) {
    const label = it.querySelector(".mantine-Button-label");
    if (label && label.scrollWidth > label.clientWidth + 1 && !it.hasAttribute("title"))
      found.push(`${name(it)} is cut`);
  }
  return found;
}

/**
 * Each text that a box cuts off where nothing else says it: no title on it or around it, no word for readers of the
 * screen. What nobody can read might as well not be there.
 */
export const cutOff = (page) => lasting(() => page.evaluate(isCutOff));

function isCutOff() {
  const apart = ".react-flow, .uplot, .cm-editor, [data-code], .hidden, [aria-hidden=true]";
  const found = [];
  for (const it of document.body.querySelectorAll("*")) {
    const { overflowX } = getComputedStyle(it);
    if (overflowX !== "hidden" && overflowX !== "clip") continue;
    if (it.clientWidth === 0 || it.scrollWidth <= it.clientWidth + 1) continue;
    if (it.closest(apart) || it.closest("[title], [aria-label]")) continue;
    const text = it.textContent.trim();
    if (text) found.push(`“${text.slice(0, 60)}” in ${it.clientWidth} of ${it.scrollWidth} px`);
  }
  return found;
}
