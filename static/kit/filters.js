// @ts-check
/** The fields by which a list is filtered: on a small screen those that filter nothing are shown on request. */
import { attr } from "./dom.js";

/** Makes the button of a bar show what it hides. @param {HTMLElement} bar */
export function foldFilters(bar) {
  const more = /** @type {HTMLElement} */ (bar.querySelector(".filters-more"));
  more.addEventListener("click", () => {
    const isOpen = bar.toggleAttribute("data-open");
    attr(more, "aria-expanded", String(isOpen));
  });
}
