// @ts-check
/** A tab whose view loads when it is first opened; until then its place says so. */
import { attr, byId, h, text } from "../kit/dom.js";
import { Lazy, lazyFailure } from "../kit/lazy.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {{render: (model: Model, now: number) => void, tick: (model: Model, now: number) => void}} Tab */

/**
 * @template M
 * @template {Tab} T
 * @extends {Lazy<M, T>}
 */
export class LateTab extends Lazy {
  #root;
  #onLoad;
  #note = h("p", { class: "empty late-note", role: "status" });
  /** The connection at the last try. @type {Model["link"] | null} */ #tried = null;

  /**
   * @param {string} name of the tab
   * @param {() => Promise<M>} load imports its module
   * @param {(module: M) => T} make
   * @param {() => void} onLoad renders it
   */
  constructor(name, load, make, onLoad) {
    super(load, make);
    this.#root = byId(`tab-${name}`);
    this.#onLoad = onLoad;
  }

  /** @param {Model} model @param {number} now */
  render(model, now) {
    if (this.value) return this.value.render(model, now);
    // After a failure it is tried again with the next connection.
    if (this.used || (this.failed && (model.link.lost || model.link === this.#tried))) return;
    this.#tried = model.link;
    void this.#open();
  }

  /** @param {Model} model @param {number} now */
  tick(model, now) {
    this.value?.tick(model, now);
  }

  async #open() {
    attr(this.#root, "data-late", true);
    if (!this.failed) text(this.#note, "Loading");
    this.#root.prepend(this.#note);
    if (!(await this.use())) return text(this.#note, lazyFailure());
    this.#note.remove();
    attr(this.#root, "data-late", null);
    this.#onLoad();
  }
}
