// @ts-check
/** Runs before the first paint (a classic script, on purpose): a chosen theme must not flash the other one first. */
{
  let theme = null;
  try {
    theme = localStorage.getItem("sprint-runner.theme");
  } catch {
    // Storage is refused in some privacy modes; the system's theme is right then.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
