// @ts-check
/** The command palette: everything the page can do or show, found by a few letters, from anywhere. */
import { attr, byId, h, show } from "../kit/dom.js";
import { best } from "./match.js";

/**
 * @typedef {{group: string, words: string, also?: string, keys?: string, run: () => unknown}} Entry `also` is searched,
 *   too
 */

/** Most matches that are shown. */
const SHOWN_MOST = 40;
/** Commands shown before anything is typed; stories are found by typing. */
const FIRST_MOST = 30;

/** @param {() => Entry[]} entries what there is to find, asked for at every opening */
export function createPalette(entries) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("palette"));
  const query = /** @type {HTMLInputElement} */ (byId("palette-query"));
  const listbox = byId("palette-list");
  /** @type {Entry[]} */
  let all = [];
  /** @type {Entry[]} */
  let found = [];
  let here = 0;

  function open() {
    if (dialog.open) return dialog.close();
    all = entries();
    query.value = "";
    dialog.showModal();
    draw();
  }

  function draw() {
    found = best(
      all,
      (entry) => `${entry.words} ${entry.also ?? ""}`,
      query.value,
      query.value.trim() ? SHOWN_MOST : FIRST_MOST,
    );
    here = 0;
    listbox.replaceChildren(
      ...found.map((entry, index) =>
        h(
          "li",
          { id: `palette-${index}`, role: "option", "data-index": index },
          h("span", { class: "group", text: entry.group }),
          h("span", { class: "words", text: entry.words }),
          entry.keys && h("kbd", { text: entry.keys }),
        ),
      ),
    );
    show(byId("palette-empty"), !found.length);
    mark();
  }

  function mark() {
    [...listbox.children].forEach((el, index) => attr(el, "aria-selected", String(index === here)));
    attr(query, "aria-activedescendant", found.length ? `palette-${here}` : null);
    listbox.children[here]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} index */
  function choose(index) {
    const entry = found[index];
    if (!entry) return;
    dialog.close();
    entry.run();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && found.length) here = (here + by + found.length) % found.length;
    else if (event.key === "Enter") choose(here);
    else return;
    event.preventDefault();
    mark();
  }

  query.addEventListener("input", draw);
  query.addEventListener("keydown", key);
  listbox.addEventListener("click", (event) => {
    const row = event.target instanceof Element ? event.target.closest("li") : null;
    if (row) choose(Number(row.getAttribute("data-index")));
  });
  listbox.addEventListener("pointermove", (event) => {
    const row = event.target instanceof Element ? event.target.closest("li") : null;
    if (!row || Number(row.dataset.index) === here) return;
    here = Number(row.dataset.index);
    mark();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open || !document.querySelector("dialog[open]")) open();
  });
  const apple = /Mac|iPhone|iPad/.test(navigator.platform);
  attr(byId("find"), "title", `Find anything (${apple ? "⌘" : "Ctrl "}K)`);
  byId("find").addEventListener("click", open);
  return { open };
}
