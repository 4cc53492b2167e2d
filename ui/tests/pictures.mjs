// Pictures of all screens in both schemes: `npm run pictures -- DIR [NAME…]`. SIZE=1280x800: of a page so large.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { browser, open } from "./support/browser.mjs";
import { shown } from "./support/filled.mjs";
import { SCREENS } from "./support/screens.mjs";

const [dir = "pictures", ...wanted] = process.argv.slice(2);
await mkdir(dir, { recursive: true });
const [width = 1440, height = 900] = process.env.SIZE?.split("x").map(Number) ?? [];
const server = await shown();
const chrome = await browser();
try {
  for (const scheme of ["dark", "light"]) {
    const { page, complaints, close } = await open(chrome, scheme, { width, height });
    for (const { name, path, has } of SCREENS) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const address = typeof path === "function" ? path(server.names) : path;
      await page.goto(server.url + address);
      const isThere = await page
        .getByText(has)
        .first()
        .waitFor({ timeout: 8_000 })
        .then(
          () => true,
          () => false,
        );
      if (!isThere) complaints.push(`${name}: nothing says ${has}`);
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(dir, `${name}-${scheme}.png`) });
    }
    for (const it of new Set(complaints)) console.log(`${scheme}: ${it}`);
    await close();
  }
} finally {
  await chrome.close();
  await server.stop();
}
