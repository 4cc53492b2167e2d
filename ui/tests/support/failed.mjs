// What was there when a test failed: what each page shows and what each program said last. Long runs are read by their
// output alone, and what fails once in a hundred of them can't be looked at again.

const LOOK_WITHIN_MS = 5_000;
const AT_MOST = 6_000;

const pages = new Map();
const programs = new Map();

/** Shows this page, too, as long as it is open. */
export function showsPage(page, complaints) {
  pages.set(page, complaints);
  page.once("close", () => pages.delete(page));
}

/** Shows what this program says, too, until what comes back is called. `said` is asked for it. */
export function showsProgram(name, said) {
  const key = Symbol(name);
  programs.set(key, said);
  return () => programs.delete(key);
}

/** To be called after each test. What the test has closed itself is not there any more. */
export async function showFailure(t) {
  if (t.passed !== false) return;
  const tell = (what, text) => {
    t.diagnostic(`${what}:`);
    for (const line of text.split("\n")) t.diagnostic(`| ${line}`);
  };
  for (const [page, complaints] of pages) {
    const seen = page.locator("body").ariaSnapshot({ timeout: LOOK_WITHIN_MS });
    const text = await seen.catch((error) => `can’t be looked at: ${error.message}`);
    tell(page.url(), text.slice(0, AT_MOST));
    if (complaints.length > 0) tell("complaints", complaints.join("\n").slice(0, AT_MOST));
  }
  for (const [key, said] of programs) tell(key.description, said().slice(-AT_MOST));
}
