// Sets the colours before anything is drawn: a file of its own, since the page's policy allows no script in it.
(() => {
  let scheme = null;
  try {
    scheme = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // Storage can be forbidden: then it is what the system says.
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const known = scheme === "dark" || scheme === "light";
  document.documentElement.setAttribute(
    "data-mantine-color-scheme",
    known ? scheme : dark ? "dark" : "light",
  );
})();
