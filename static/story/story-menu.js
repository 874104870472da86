// @ts-check
/** The menu of what is done rarely with a story, beside its verbs. */
import { attr, fill, h, icon } from "../kit/dom.js";

/** @typedef {{words: string, verb?: boolean, run?: () => void, href?: string}} MenuItem `href` is a file to save */

/** Space between the menu and its button, and the edge of the window, in px. */
const GAP = 4;

/** @param {() => MenuItem[]} itemsOf what applies now @returns {HTMLElement} the button, which the menu follows */
export function createStoryMenu(itemsOf) {
  const menu = h("div", { class: "menu story-menu", role: "menu", popover: "auto", "aria-label": "More" });
  const props = {
    type: "button",
    class: "button small more",
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    "aria-label": "More",
    title: "More",
  };
  const button = h("button", props, icon("more"));
  button.addEventListener("click", () => {
    fill(menu, ...itemsOf().map((item) => createItem(menu, button, item)));
    menu.showPopover();
    place(menu, button.getBoundingClientRect());
    /** @type {HTMLElement | null} */ (menu.firstElementChild)?.focus();
  });
  menu.addEventListener("toggle", (event) =>
    attr(button, "aria-expanded", String(/** @type {ToggleEvent} */ (event).newState === "open")),
  );
  menu.addEventListener("keydown", (event) => pressed(menu, event));
  return h("span", { class: "menu-place" }, button, menu);
}

/** @param {HTMLElement} menu @param {HTMLElement} button @param {MenuItem} item */
function createItem(menu, button, { words, run, href, verb = false }) {
  const props = { role: "menuitem", tabindex: "-1", "data-verb": verb };
  const el = href
    ? h("a", { ...props, href, download: "" }, h("span", { text: words }))
    : h("button", { ...props, type: "button" }, h("span", { text: words }));
  el.addEventListener("click", () => {
    menu.hidePopover();
    button.focus();
    run?.();
  });
  return el;
}

/** @param {HTMLElement} menu @param {DOMRect} at */
function place(menu, at) {
  const { width, height } = menu.getBoundingClientRect();
  const isBelow = at.bottom + GAP + height <= innerHeight - GAP;
  menu.style.top = `${Math.max(GAP, isBelow ? at.bottom + GAP : at.top - GAP - height)}px`;
  menu.style.left = `${Math.max(GAP, Math.min(at.right - width, innerWidth - width - GAP))}px`;
}

/** @param {HTMLElement} menu @param {KeyboardEvent} event */
function pressed(menu, event) {
  const all = /** @type {HTMLElement[]} */ ([...menu.children]);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 };
  if (event.key === "Tab") menu.hidePopover();
  if (!(event.key in to)) return;
  event.preventDefault();
  all[to[event.key] % all.length].focus();
}
