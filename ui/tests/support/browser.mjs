// A browser without a window, what it complains of, and axe.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { showsPage } from "./failed.mjs";
import { DEADLINE_MS, until } from "./weir.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** What a page shows as wrong for so long is wrong. */
const LASTING_MS = 5_000;
const LOOKS_MIN = 3;
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function browser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
    ],
  });
}

/** A browser of somebody else, with cookies of its own. */
export async function profile(chrome, options) {
  const context = await chrome.newContext(options);
  context.setDefaultTimeout(DEADLINE_MS);
  if (process.env.WEIR_UI_SLOW) await slow(context, Number(process.env.WEIR_UI_SLOW));
  return context;
}

/** Half of what is asked of the server comes up to 1.5 s late, by a seed: what is tested may not depend on that. */
async function slow(context, seed) {
  let last = seed;
  const chance = () => {
    last = (last * 48_271) % 2_147_483_647;
    return last / 2_147_483_647;
  };
  await context.route("**/api/**", async (route) => {
    const late = chance() < 0.5 ? 0 : chance() * 1_500;
    await new Promise((done) => setTimeout(done, late));
    await route.continue().catch(() => undefined);
  });
}

/** A page in one colour scheme. `complaints` fills with whatever the browser says is wrong. */
export async function open(chrome, scheme = "dark", size = { width: 1440, height: 900 }) {
  const context = await profile(chrome, {
    viewport: size,
    colorScheme: scheme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const complaints = [];
  showsPage(page, complaints);
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // A refusal that a test asks for is shown here, too.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isAnswer) complaints.push(message.text());
  });
  page.on("request", (request) => {
    const { hostname } = new URL(request.url());
    if (!["127.0.0.1", ""].includes(hostname)) complaints.push(`asks ${request.url()}`);
  });
  return { page, complaints, close: () => context.close() };
}

/** What `ask` finds wrong with the page, and not only for a moment while it is drawn: at the last of several looks. */
export async function lasting(ask) {
  const end = Date.now() + LASTING_MS;
  for (let looks = 1; ; looks++) {
    const found = await ask().catch((error) => [error.message]);
    if (found.length === 0 || (looks >= LOOKS_MIN && Date.now() > end)) return found;
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** Serious and critical findings, each as a line. */
export const findings = (page) => lasting(() => found(page));

/** The page's policy allows no injected script tag. */
async function found(page) {
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await page.evaluate(
    (tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags } }),
    TAGS,
  );
  return violations
    .filter((it) => ["serious", "critical"].includes(it.impact))
    .flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.target} ${node.failureSummary}`));
}

/**
 * Goes to a view by the two keys of it. They are one order if they come soon after each other, which a machine that has
 * other things to do does not always manage.
 */
export async function goByKeys(page, key, there) {
  await until(`g ${key} leads there`, async () => {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await there.waitFor({ timeout: 3_000 });
    return true;
  });
}
