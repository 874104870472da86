// @ts-check
/** Light, dark, or what the system says; the choice is remembered. */
import { attr, setIcon } from "./dom.js";
import { recall, remember } from "./memory.js";

const ORDER = /** @type {const} */ (["system", "light", "dark"]);
const WORDS = { system: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
const ICONS = { system: "auto", light: "sun", dark: "moon" };

/** @param {HTMLElement} button @returns {{next: () => string}} */
export function createTheme(button) {
  let current = ORDER.find((theme) => theme === recall("theme", "system")) ?? "system";

  function render() {
    if (current === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = current;
    attr(button, "aria-label", `${WORDS[current]}. Change`);
    attr(button, "title", WORDS[current]);
    const glyph = button.querySelector("svg");
    if (glyph) setIcon(glyph, ICONS[current]);
  }

  function next() {
    current = ORDER[(ORDER.indexOf(current) + 1) % ORDER.length];
    remember("theme", current === "system" ? null : current);
    render();
    return WORDS[current];
  }

  button.addEventListener("click", next);
  render();
  return { next };
}
