// @ts-check
/** The store: the only owner of the model. It dispatches actions to the reducer and reports every new model. */

import { reduce } from "./model.js";

/** @typedef {import("./model.js").Model} Model */

export class Store {
  /** @type {Model} */ #model;
  /** @type {(() => void)[]} */ #listeners = [];

  /** @param {Model} model */
  constructor(model) {
    this.#model = model;
  }

  get model() {
    return this.#model;
  }

  /** @param {() => void} listener is called after every change */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  /** @param {import("./model.js").Action} action */
  dispatch(action) {
    const next = reduce(this.#model, action);
    if (next === this.#model) return;
    this.#model = next;
    for (const listener of this.#listeners) listener();
  }
}
