// @ts-check
/** The stories that are selected on the Board: by their boxes, with Ctrl or Shift and the pointer, by keys. */
import { announce } from "../kit/toast.js";

export class Selection {
  /** @type {Set<string>} */ #keys = new Set();
  /** The story from which a range begins. @type {string | null} */ #anchor = null;
  #shown;
  #onChange;

  /**
   * @param {() => string[]} shown the stories that can be selected, in the order of the page
   * @param {() => void} onChange
   */
  constructor(shown, onChange) {
    this.#shown = shown;
    this.#onChange = onChange;
  }

  get size() {
    return this.#keys.size;
  }

  /** @param {string} key */
  has(key) {
    return this.#keys.has(key);
  }

  /** In the order of the page, those that are folded away last. @returns {string[]} */
  get keys() {
    const shown = this.#shown().filter((key) => this.#keys.has(key));
    return [...shown, ...[...this.#keys].filter((key) => !shown.includes(key))];
  }

  /** Those with which something is done to one of them: all that are selected where it is one, else it alone. @param {string} key */
  with(key) {
    return this.has(key) ? this.keys : [key];
  }

  /** @param {string} key */
  toggle(key) {
    if (!this.#keys.delete(key)) this.#keys.add(key);
    this.#anchor = key;
    this.#changed();
  }

  /** Selects all from the anchor to this story. @param {string} key */
  extend(key) {
    const shown = this.#shown();
    const from = shown.indexOf(this.#anchor ?? key);
    const [low, high] = [from, shown.indexOf(key)].sort((a, b) => a - b);
    for (const each of shown.slice(Math.max(0, low), high + 1)) this.#keys.add(each);
    this.#anchor ??= key;
    this.#changed();
  }

  all() {
    this.#keys = new Set(this.#shown());
    this.#changed();
  }

  clear() {
    if (!this.size) return;
    this.#keys.clear();
    this.#anchor = null;
    this.#changed();
  }

  /** Drops what there is no more. @param {(key: string) => boolean} isThere */
  keep(isThere) {
    for (const key of this.#keys) if (!isThere(key)) this.#keys.delete(key);
  }

  #changed() {
    announce(this.size ? `${this.size} selected` : "Nothing is selected");
    this.#onChange();
  }
}
