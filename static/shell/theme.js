// @ts-check
/** The theme: light, dark or that of the system; the choice is stored. */
import { attr, setIcon } from "../kit/dom.js";
import { readStored, writeStored } from "../kit/storage.js";

/** @typedef {"system" | "light" | "dark"} Theme */

/** @type {readonly Theme[]} */
export const THEMES = ["system", "light", "dark"];
const WORDS = { system: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
const ICONS = { system: "auto", light: "sun", dark: "moon" };

/** @param {HTMLElement} button */
export function createTheme(button) {
  let current = THEMES.find((theme) => theme === readStored("theme", "system")) ?? "system";

  function render() {
    if (current === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = current;
    attr(button, "aria-label", `${WORDS[current]}. Change`);
    attr(button, "title", WORDS[current]);
    const glyph = button.querySelector("svg");
    if (glyph) setIcon(glyph, ICONS[current]);
  }

  /** @param {Theme} theme */
  function choose(theme) {
    current = theme;
    writeStored("theme", current === "system" ? null : current);
    render();
    return WORDS[current];
  }

  const next = () => choose(THEMES[(THEMES.indexOf(current) + 1) % THEMES.length]);

  button.addEventListener("click", next);
  // From the Settings, which do not know this button.
  addEventListener("theme", (event) => choose(/** @type {CustomEvent<Theme>} */ (event).detail));
  render();
  return { next, choose, words: (/** @type {Theme} */ theme) => WORDS[theme] };
}
