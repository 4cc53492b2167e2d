// What a file of tests begins with: something that runs, a browser, and a page in it. All of it ends with the tests.
import { after, afterEach } from "node:test";
import { browser, open } from "./browser.mjs";
import { showFailure } from "./failed.mjs";

/**
 * `start` makes what is asked, as `filled` does; `more` is done to it before the first test. Of what comes back,
 * `button`, `dialog` and `field` find things on the page, or on another one that is given.
 */
export async function begin(start, { more = async () => undefined } = {}) {
  afterEach(showFailure);
  const made = [];
  const end = () => Promise.allSettled(made.splice(0).map((it) => it()));
  after(end);
  const kept = async (promise, ended) => {
    const it = await promise;
    made.push(() => ended(it));
    return it;
  };
  try {
    const [server, chrome] = await Promise.all([
      kept(start(), (it) => it.stop()),
      kept(browser(), (it) => it.close()),
    ]);
    await more(server);
    const { page, complaints } = await open(chrome);
    const dialog = (of = page) => of.getByRole("dialog");
    return {
      server,
      chrome,
      page,
      complaints,
      at: (path) => page.goto(server.url + path),
      button: (name, of = page) => of.getByRole("button", { name, exact: true }),
      field: (name, of = page) => of.locator(`input[name=${name}]`),
      dialog,
      inDialog: (name) => dialog().getByRole("button", { name, exact: true }),
      closed: () => dialog().waitFor({ state: "detached" }),
    };
  } catch (error) {
    await end();
    throw error;
  }
}
