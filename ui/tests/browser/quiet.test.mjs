// A page that stands open asks for nothing: what changes is told by the one stream of events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin } from "../support/begin.mjs";
import { filled } from "../support/filled.mjs";
import { freePorts } from "../support/ports.mjs";
import { command, until } from "../support/weir.mjs";

const { server, page, complaints, at, button } = await begin(() => filled({ isLive: true }));
/** Longer than any page waited before it asked again: 30 s for other clusters. */
const STANDS_MS = 33_000;

/** What is asked for while nobody does anything. */
async function askedIn(ms) {
  const asked = [];
  const note = (it) => asked.push(`${it.method()} ${new URL(it.url()).pathname}`);
  page.on("request", note);
  await page.waitForTimeout(ms);
  page.off("request", note);
  return asked;
}

/** All that a page reads when it is opened has come. */
async function opened(path, has) {
  const open = new Set();
  let last = Date.now();
  const begins = (it) => {
    last = Date.now();
    if (!it.url().includes("/live?")) open.add(it);
  };
  const ends = (it) => {
    last = Date.now();
    open.delete(it);
  };
  const all = { request: begins, requestfinished: ends, requestfailed: ends };
  for (const [name, note] of Object.entries(all)) page.on(name, note);
  await at(path);
  await page.getByText(has).first().waitFor();
  await page.locator("#live-mark", { hasText: "Live" }).waitFor();
  // One answer may lead to the next question: that no more come can be seen by silence alone.
  await until("all has come", () => open.size === 0 && Date.now() - last > 2_000);
  for (const [name, note] of Object.entries(all)) page.off(name, note);
}

test("the overview asks for nothing while it stands open, however many records flow and fail", async () => {
  await opened("/", "Newest streams");
  const ticks = page.locator("p", {
    has: page.getByRole("link", { name: "Look at them of ticks" }),
  });
  await ticks.getByText("one of them:").waitFor();
  const before = await ticks.textContent();
  assert.deepEqual(await askedIn(STANDS_MS), []);
  assert.notEqual(await ticks.textContent(), before, "more have failed meanwhile");
});

test("the fleet asks for nothing, and shows what changes all the same", async () => {
  await opened("/fleet", "Engines");
  assert.deepEqual(await askedIn(7_000), []);
  const [port] = await freePorts(1);
  const asked = askedIn(20_000);
  const urls = [`http://127.0.0.1:${port}`];
  await command(server.url, "POST", "/api/v1/clusters", { name: "moon", urls, note: "" });
  const moon = page.getByRole("region", { name: "moon" });
  await moon.getByRole("alert").waitFor();
  await moon.getByText("unreachable").first().waitFor();
  assert.deepEqual(await asked, []);
  // When it was looked at is said of one's own look.
  await button("Look now at moon").click();
  await moon.getByText("Looked at", { exact: true }).waitFor();
  await command(server.url, "DELETE", "/api/v1/clusters/moon");
  await moon.waitFor({ state: "detached" });
});

test("an operation on its way is followed by the same stream", async () => {
  await opened("/projects/flights?tab=deploy", "Plan");
  const asked = [];
  page.on("request", (it) => asked.push(new URL(it.url()).pathname));
  await page.getByRole("button", { name: "Plan flights", exact: true }).click();
  await page.waitForURL(/operation=/);
  await page.getByRole("list", { name: "Steps" }).waitFor();
  await until("it is over", async () => {
    const { items } = await server.get("/api/v1/operations?project=flights");
    return items[0] && items[0].state !== "running";
  });
  await page
    .getByRole("status")
    .getByText(/succeeded|failed/)
    .first()
    .waitFor();
  // Silence is what is looked for: longer than a page waited before it asked again.
  await page.waitForTimeout(3_000);
  const again = asked.filter((it) => /operations(:follow|\/)/.test(it));
  assert.deepEqual(again, []);
  assert.deepEqual(complaints, []);
});
