// @ts-check
/**
 * The command palette: every action, view, setting and story of the page, found by a few letters, and below them what
 * the server finds in the log and the transcripts.
 */
import { attr, byId, fill, h, show, text } from "../kit/dom.js";
import { marked } from "../kit/marked.js";
import { FullText } from "./full-text.js";
import { best } from "./match.js";

/**
 * @typedef {{group: string, words: string, also?: string, keys?: string, detail?: string, ranges?: [number, number][],
 *   stays?: boolean, run: () => unknown}} Entry
 *   `also` is searched, too; `ranges` are marked in `words`; with `stays` the palette stays open
 */

/** Most actions, views and stories that are shown, so that what is found in texts is in sight. */
const SHOWN_MOST = 12;
/** Most actions that are shown before anything is typed. */
const FIRST_MOST = 30;

/** @param {(onMore: () => void) => Entry[]} entries is called at every opening, and again when there are more */
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
  /** Those of `#found` that the page itself has: the others are of the server. */
  #own = 0;
  #selected = 0;
  #entries;
  #fullText = new FullText(() => this.#addFound());

  /** @param {(onMore: () => void) => Entry[]} entries */
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
    this.#all = this.#entries(() => this.#readAgain());
    this.#query.value = "";
    this.#fullText.ask("");
    this.#dialog.showModal();
    this.#search();
  }

  #readAgain() {
    if (!this.#dialog.open) return;
    this.#all = this.#entries(() => {});
    this.#search();
  }

  #search() {
    const { value } = this.#query;
    const most = value.trim() ? SHOWN_MOST : FIRST_MOST;
    const found = best(
      this.#all,
      (entry) => entry.words,
      value,
      most,
      (entry) => entry.also ?? "",
    );
    this.#own = found.length;
    this.#fullText.ask(value);
    this.#render([...found, ...this.#fullText.entries]);
    this.#select(0);
  }

  /** Puts what the server has found below what is there; nothing moves. */
  #addFound() {
    if (!this.#dialog.open) return;
    this.#render([...this.#found.slice(0, this.#own), ...this.#fullText.entries]);
    this.#select(Math.min(this.#selected, Math.max(0, this.#found.length - 1)));
  }

  /** @param {Entry[]} entries */
  #render(entries) {
    // Those that stay are not drawn again: a pointer may be on one.
    const kept = this.#found.findIndex((entry, at) => entry !== entries[at]);
    const from = kept < 0 ? this.#found.length : kept;
    const rows = [...this.#listbox.children].slice(0, from);
    fill(this.#listbox, ...rows, ...entries.slice(from).map((entry, at) => createOption(entry, from + at)));
    this.#found = entries;
    text(byId("palette-status"), this.#fullText.words);
    show(byId("palette-empty"), !entries.length);
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
    if (!entry.stays) this.#dialog.close();
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
function createOption({ group, words, ranges, detail, keys }, index) {
  const content = ranges ? marked(words, ranges) : [words];
  return h(
    "li",
    { id: `palette-${index}`, role: "option", "data-index": index },
    h("span", { class: "group", text: group }),
    h("span", { class: "words", dir: "auto" }, ...content),
    detail && h("span", { class: "detail", text: detail }),
    keys && h("kbd", { text: keys }),
  );
}

/** The index of the option that contains an element, or -1. @param {EventTarget | null} target */
function indexOf(target) {
  const option = target instanceof Element ? target.closest("li") : null;
  return Number(option?.getAttribute("data-index") ?? -1);
}
