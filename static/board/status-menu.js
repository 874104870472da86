// @ts-check
/**
 * The menu of a story, or of several: the statuses that they can be set to, and what the operator can do with them in the
 * run. One for the whole page, opened beside whatever asks for it.
 */
import { attr, h, icon } from "../kit/dom.js";
import { statusText } from "../kit/format.js";
import { storyActions } from "../run/story-actions.js";
import { setStatuses, WRITABLE } from "./set-status.js";

/** @typedef {import("./set-status.js").StatusTarget} StatusTarget */

/** Space between the menu and what it belongs to, and the edge of the window, in px. */
const GAP = 4;

const menu = h("div", { class: "menu", role: "menu", popover: "auto", "aria-label": "Story" });
/** @type {StatusTarget[]} */
let stories = [];
/** @type {HTMLElement | null} */
let owner = null;

const items = WRITABLE.map((status) => {
  const el = h("button", {
    type: "button",
    role: "menuitemradio",
    tabindex: "-1",
    "data-status": status,
    on: { click: () => choose(status) },
  });
  el.append(icon(status), h("span", { text: statusText(status) }), icon("check"));
  return el;
});
/** The actions of the story for which the menu is open. @type {HTMLButtonElement[]} */
let actions = [];
const line = h("hr", { role: "separator" });
menu.append(...items);
menu.addEventListener("keydown", pressed);
menu.addEventListener("toggle", (event) => {
  if (owner) attr(owner, "aria-expanded", /** @type {ToggleEvent} */ (event).newState === "open");
});

/**
 * @param {HTMLElement} anchor a button
 * @param {StatusTarget | StatusTarget[]} asked one story, or several
 * @param {import("../run/story-actions.js").StoryAction[]} [more] what can be done with them; of one the usual
 */
export function openStatusMenu(anchor, asked, more) {
  stories = Array.isArray(asked) ? asked : [asked];
  owner = anchor;
  const [{ key, status }] = stories;
  const isSame = stories.every((story) => story.status === status);
  // Inside a modal dialog everything outside it is dead.
  (anchor.closest("dialog") ?? document.body).append(menu);
  for (const item of items) attr(item, "aria-checked", String(isSame && item.dataset.status === status));
  for (const old of [line, ...actions]) old.remove();
  actions = (more ?? (stories.length === 1 ? storyActions(key) : [])).map(createAction);
  if (actions.length) menu.append(line, ...actions);
  menu.showPopover();
  place(anchor.getBoundingClientRect());
  (items.find((item) => isSame && item.dataset.status === status) ?? items[0]).focus();
}

/** @param {DOMRect} at */
function place(at) {
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + GAP + height <= innerHeight - GAP;
  menu.style.top = `${Math.max(GAP, below ? at.bottom + GAP : at.top - GAP - height)}px`;
  menu.style.left = `${Math.max(GAP, Math.min(at.right - width, innerWidth - width - GAP))}px`;
}

/** @param {string} status */
function choose(status) {
  menu.hidePopover();
  owner?.focus();
  void setStatuses(stories, status);
}

/** @param {import("../run/story-actions.js").StoryAction} action */
function createAction({ words, run }) {
  const el = h("button", { type: "button", role: "menuitem", tabindex: "-1" }, h("span", { text: words }));
  el.addEventListener("click", () => {
    menu.hidePopover();
    owner?.focus();
    run();
  });
  return el;
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const all = [...items, ...actions];
  const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 };
  if (event.key === "Tab") menu.hidePopover();
  if (!(event.key in to)) return;
  event.preventDefault();
  all[to[event.key] % all.length].focus();
}
