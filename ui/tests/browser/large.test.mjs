// What is large: it is drawn, scrolls, and keeps pace. And a node that dies while somebody looks at it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { begin } from "../support/begin.mjs";
import { countsRenders } from "../support/renders.mjs";
import { synthetic } from "../support/synthetic.mjs";
import { until } from "../support/weir.mjs";

/** What is to be kept on a machine that does nothing else; here other tests may run beside it. */
const FRAME_MS_MAX = 33;
const STAGES = 1_000;
const STREAMS = 10_000;

const { server, page, complaints } = await begin(() =>
  synthetic({ stages: STAGES, streams: STREAMS }),
);

const renders = await countsRenders(page);

/** The times between frames for so long, in milliseconds, the shortest first. */
const frames = (page, ms) =>
  page.evaluate(
    (ms) =>
      new Promise((done) => {
        const all = [];
        let last = performance.now();
        const begin = last;
        const next = (now) => {
          all.push(now - last);
          last = now;
          if (now - begin < ms) requestAnimationFrame(next);
          else done(all.sort((a, b) => a - b));
        };
        requestAnimationFrame(next);
      }),
    ms,
  );
const p95 = (all) => all[Math.floor(all.length * 0.95)];

test("a graph of 1,000 stages keeps pace with counts that change each second", async (t) => {
  await page.goto(`${server.url}/workflows/large`);
  await page.locator(".react-flow__node").first().waitFor();
  // The first frames are those of the layout.
  await frames(page, 2_000);
  const all = await frames(page, 8_000);
  t.diagnostic(
    `${all.length} frames, p95 ${p95(all).toFixed(1)} ms, longest ${all.at(-1).toFixed(0)} ms`,
  );
  if (process.env.UI_SPEED) assert.ok(p95(all) < FRAME_MS_MAX, `p95 is ${p95(all)} ms`);
  const rate = page.locator(".react-flow__node").nth(1).locator(".mono").first();
  await page.waitForFunction(
    (it) => /^[1-9][\d.,]*\S*\/s$/.test(it.textContent),
    await rate.elementHandle(),
  );
});

test("of 1,000 stages those in view are there, and a second draws those whose numbers are others", async () => {
  const MOVING = 3;
  const quiet = await synthetic({ stages: STAGES, moving: MOVING });
  after(() => quiet.stop());
  await page.goto(`${quiet.url}/workflows/large`);
  const stage = (name) => page.locator(`.react-flow__node[data-id="${name}"]`);
  const rate = (name) => stage(name).locator(".mono").first();
  // Only after a while it is known that one stands still.
  await rate("stage-5").getByText("0/s", { exact: true }).waitFor();
  const shown = await page.locator(".react-flow__node").count();
  assert.ok(shown > 3 * MOVING, `${shown} are in view`);
  const elements = await page.locator("*").count();
  assert.ok(elements < 2_500, `the page has ${elements} elements`);
  const written = await page.evaluate(
    () =>
      new Promise((done) => {
        const ids = new Set();
        let seconds = 0;
        window.takeRenders();
        const watch = new MutationObserver((all) => {
          const nodes = all.map((it) =>
            (it.target.parentElement ?? it.target).closest(".react-flow__node, [aria-posinset]"),
          );
          for (const it of nodes) if (it) ids.add(it.dataset.id ?? `line ${it.dataset.index}`);
          if (nodes.some((it) => it?.dataset.id === "stage-1")) seconds += 1;
          if (seconds < 4) return;
          watch.disconnect();
          done({ ids: [...ids], seconds });
        });
        const what = { subtree: true, childList: true, characterData: true, attributes: true };
        watch.observe(document.querySelector("main"), what);
      }),
  );
  const moving = Array.from({ length: MOVING }, (_, it) => [`stage-${it}`, `line ${it}`]).flat();
  assert.deepEqual(
    written.ids.filter((it) => !moving.includes(it)),
    [],
    "what stands still is not written",
  );
  const { running, passing } = await renders.take();
  const most = MOVING * (written.seconds + 2);
  assert.ok(running <= most && passing <= most, `${running} stages, ${passing} edges were drawn`);
});

test("the outline of 1,000 stages draws what is in view, and leads to all of them", async () => {
  await page.goto(`${server.url}/workflows/large`);
  const outline = page.getByRole("region", { name: "Outline" });
  const last = outline.getByRole("button", { name: `stage-${STAGES - 1} mapping`, exact: true });
  await outline.getByRole("listitem").first().waitFor();
  await outline.hover();
  await until("its end is reached", async () => {
    await page.mouse.wheel(0, 20_000);
    return last.isVisible();
  });
  assert.ok((await outline.getByRole("listitem").count()) < 100, "not all of them are drawn");
  assert.equal(await last.locator("..").getAttribute("aria-posinset"), String(STAGES));
  await last.click();
  await page.getByRole("region", { name: `Stage stage-${STAGES - 1}` }).waitFor();
  assert.equal(await last.getAttribute("aria-pressed"), "true");
});

test("a design of 1,000 stages draws what is in view, and where one is chosen, that one", async () => {
  await page.goto(`${server.url}/projects/p/assets/workflows/large.yaml`);
  await page.locator(".react-flow__node").first().waitFor();
  const drawn = await page
    .locator(".react-flow__node")
    .evaluateAll((all) => all.map((it) => it.dataset.id));
  assert.ok((await renders.take()).stages < STAGES / 2, "those out of view are not drawn");
  for (const name of drawn.slice(3, 6)) {
    await page.locator(`.react-flow__node[data-id="${name}"]`).click();
    await page.getByRole("complementary", { name: `Inspector of ${name}` }).waitFor();
    const { stages } = await renders.take();
    assert.ok(stages <= 4, `choosing ${name} drew ${stages} stages`);
  }
  // An edit draws what it changed, and makes no other edges of those that stay.
  const edge = page.locator(".react-flow__edge").first();
  const before = await edge.elementHandle();
  await page.getByRole("button", { name: "Duplicate", exact: true }).click();
  await page.getByText(/^Pasted/).waitFor();
  // The canvas follows what is added: what comes into view by that is drawn for the first time.
  const { stages, fresh } = await renders.take();
  assert.ok(stages - fresh <= 6, `an edit drew ${stages - fresh} stages anew, ${fresh} more`);
  assert.ok(fresh < drawn.length, `${fresh} came into view, of ${drawn.length} that fit`);
  assert.ok(await before.evaluate((it) => it.isConnected));
});

test("a chart says nothing of the time before somebody looked, nor of that in which nobody did", async () => {
  await page.goto(`${server.url}/workflows/large?tab=metrics&span=1`);
  const chart = page.getByRole("figure").first();
  await chart.getByRole("button", { name: "As table" }).click();
  const cells = chart.locator("tbody td:nth-child(2)");
  /** As it was, the oldest first: whether a number is told. */
  const told = async () => (await cells.allTextContents()).reverse().map((it) => it !== "–");
  await until("the newest are told", async () => (await told()).slice(-3).every(Boolean));
  const before = await told();
  assert.ok(!before[0], "a minute ago nobody looked");
  assert.deepEqual(before, before.toSorted(), "what is told is the newest");
  await chart.getByText(/seen since \d/).waitFor();
  await page.locator("#live-mark").click();
  await page.getByText(/what is shown is from [6-9][. \d]*s ago/).waitFor();
  await page.locator("#live-mark").click();
  await until("it goes on", async () => (await told()).slice(-2).every(Boolean));
  const all = await told();
  const since = all.slice(all.indexOf(true));
  assert.ok(since.includes(false), `while it was held nobody looked: ${since}`);
});

test("10,000 streams are read by pages, and what is in view is drawn", async () => {
  await page.goto(`${server.url}/streams`);
  await page.getByRole("link", { name: `item-${STREAMS}.csv` }).waitFor();
  const older = page.getByRole("button", { name: "Older streams" });
  for (let read = 200; read < STREAMS; read += 200) {
    await older.click();
    await page.getByText(new RegExp(`^${(read + 200).toLocaleString("en")} streams`)).waitFor();
  }
  assert.ok((await page.locator("tbody tr").count()) < 100, "not all of them are drawn");
  await page.getByRole("region", { name: "Streams" }).focus();
  await page.keyboard.press("End");
  await page.getByRole("link", { name: "item-1.csv", exact: true }).waitFor();
});

test("letters, streams and items of a source go on loading where one goes on scrolling", async () => {
  for (const [path, name] of [
    ["/workflows/large?tab=letters", "Dead letters"],
    ["/streams", "Streams"],
    ["/access", "Items of large/read"],
  ]) {
    await page.goto(server.url + path);
    const table = page.getByRole("region", { name, exact: true }).locator("table").last();
    const rows = async () => Number(await table.getAttribute("aria-rowcount"));
    await table.locator("tbody tr").nth(5).waitFor();
    await table.hover();
    for (let read = 200; read < 1_000; read += 200) {
      const before = await rows();
      await until("more are read", async () => {
        await page.mouse.wheel(0, 20_000);
        return (await rows()) > before;
      });
    }
    assert.ok((await table.locator("tbody tr").count()) < 100, "not all of them are drawn");
  }
});

test("a letter that is open leaves its table room for what it shows", async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${server.url}/workflows/large?tab=letters`);
  const table = page.locator("section[aria-label='Dead letters'][tabindex]");
  await table.locator("tbody tr").nth(3).click();
  await page.waitForURL("**letter=**");
  await page.getByRole("columnheader", { name: "Item" }).waitFor({ state: "detached" });
  const { wide, shown } = await table.evaluate((it) => ({
    wide: it.scrollWidth,
    shown: it.clientWidth,
  }));
  assert.ok(wide <= shown, `the table is ${wide} px wide, and ${shown} are shown`);
});

test("a node that dies while its detail is open is told as lost, and then as gone", async () => {
  await page.goto(`${server.url}/nodes/node-2`);
  await page.getByText("Controllers here").waitFor();
  server.say("node-2", { unreachable: true, reason: "no heartbeat for 5 s" });
  await page.getByText("unreachable").first().waitFor();
  await page.getByText("no heartbeat for 5 s").first().waitFor();
  server.say("node-2", undefined);
  await page.getByText("node-2 is no member of the cluster").waitFor();
  await page.goto(`${server.url}/`);
  await page.getByText("1/1").first().waitFor();
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(complaints, []);
});
