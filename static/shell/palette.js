// @ts-check
/** The command palette: every action, view and story of the page, found by a few letters. */
import { attr, byId, fill, h, show } from "../kit/dom.js";
import { best } from "./match.js";

/**
 * @typedef {{group: string, words: string, also?: string, keys?: string, run: () => unknown}} Entry
 *   `also` is searched, too
 */

/** Most matches that are shown. */
const SHOWN_MOST = 40;
/** Most actions that are shown before anything is typed. */
const FIRST_MOST = 30;

/** @param {() => Entry[]} entries is called at every opening */
export function createPalette(entries) {
  const palette = new Palette(entries);
  return { open: () => palette.open() };
}

class Palette {
  #dialog = /** @type {HTMLDialogElement} */ (byId("palette"));
  #query = /** @type {HTMLInputElement} */ (byId("palette-query"));
  #listbox = byId("palette-list");
  /** @type {Entry[]} */ #all = [];
  /** @type {Entry[]} */ #found = [];
  #selected = 0;
  #entries;

  /** @param {() => Entry[]} entries */
  constructor(entries) {
    this.#entries = entries;
    this.#query.addEventListener("input", () => this.#search());
    this.#query.addEventListener("keydown", (event) => this.#key(event));
    this.#listbox.addEventListener("click", (event) => this.#choose(indexOf(event.target)));
    this.#listbox.addEventListener("pointermove", (event) => this.#point(indexOf(event.target)));
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    addEventListener("keydown", (event) => this.#openKey(event));
    const apple = /Mac|iPhone|iPad/.test(navigator.platform);
    attr(byId("find"), "title", `Find anything (${apple ? "⌘" : "Ctrl "}K)`);
    byId("find").addEventListener("click", () => this.open());
  }

  open() {
    if (this.#dialog.open) return this.#dialog.close();
    this.#all = this.#entries();
    this.#query.value = "";
    this.#dialog.showModal();
    this.#search();
  }

  #search() {
    const { value } = this.#query;
    const most = value.trim() ? SHOWN_MOST : FIRST_MOST;
    this.#found = best(this.#all, (entry) => `${entry.words} ${entry.also ?? ""}`, value, most);
    fill(this.#listbox, ...this.#found.map(createOption));
    show(byId("palette-empty"), !this.#found.length);
    this.#select(0);
  }

  /** @param {number} index */
  #select(index) {
    this.#selected = index;
    for (const [at, el] of [...this.#listbox.children].entries()) attr(el, "aria-selected", String(at === index));
    attr(this.#query, "aria-activedescendant", this.#found.length ? `palette-${index}` : null);
    this.#listbox.children[index]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} index -1 for none */
  #choose(index) {
    const entry = this.#found[index];
    if (!entry) return;
    this.#dialog.close();
    entry.run();
  }

  /** @param {number} index -1 for none */
  #point(index) {
    if (index >= 0 && index !== this.#selected) this.#select(index);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const { length } = this.#found;
    if (by && length) this.#select((this.#selected + by + length) % length);
    else if (event.key === "Enter") this.#choose(this.#selected);
    else if (!by) return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #openKey(event) {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (this.#dialog.open || !document.querySelector("dialog[open]")) this.open();
  }
}

/** @param {Entry} entry @param {number} index */
function createOption(entry, index) {
  return h(
    "li",
    { id: `palette-${index}`, role: "option", "data-index": index },
    h("span", { class: "group", text: entry.group }),
    h("span", { class: "words", text: entry.words }),
    entry.keys && h("kbd", { text: entry.keys }),
  );
}

/** The index of the option that contains an element, or -1. @param {EventTarget | null} target */
function indexOf(target) {
  const option = target instanceof Element ? target.closest("li") : null;
  return Number(option?.getAttribute("data-index") ?? -1);
}
