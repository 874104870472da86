// @ts-check
/** The filter of the log: story, command, level and a search, kept in the address; the choices grow with the lines. */

import { byId, h } from "../kit/dom.js";
import { shortCommand, shortKey } from "../kit/format.js";
import { readStored, writeStored } from "../kit/storage.js";
import { setUrlParams } from "../kit/url-params.js";
import { baseOf } from "./log-buffer.js";

/** @typedef {import("./log-buffer.js").Filter} Filter */
/** @typedef {import("./log-line.js").Line} Line */

/** A search begins this long after the last key, in ms. */
const TYPING_MS = 120;
/** The parameters of the address. */
const NAMES = ["q", "level", "of", "command"];

export class LogFilter {
  #query = /** @type {HTMLInputElement} */ (byId("log-query"));
  #level = /** @type {HTMLSelectElement} */ (byId("log-level"));
  #story = new Choice("log-story", shortKey);
  #command = new Choice("log-command", shortCommand);
  #timer = 0;
  #onChange;

  /** @param {(filter: Filter) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#level.value = readStored("log-level", "0");
    if (!this.#level.value) this.#level.value = "0";
    for (const el of [this.#level, this.#story.el, this.#command.el])
      el.addEventListener("change", () => this.#changed());
    this.#query.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#changed(), TYPING_MS);
    });
    if (this.#level.value !== "0") queueMicrotask(() => onChange(this.value));
  }

  /** @returns {Filter} */
  get value() {
    return {
      story: this.#story.value,
      command: this.#command.value,
      level: Number(this.#level.value),
      query: this.#query.value.trim().toLowerCase(),
    };
  }

  /** Offers the stories and commands of these lines. @param {readonly Line[]} lines */
  learn(lines) {
    for (const line of lines) {
      if (line.story) this.#story.learn(line.story);
      if (line.command) this.#command.learn(baseOf(line.command));
    }
  }

  /**
   * Takes the filter from the address; an address without one gets the present filter.
   * @param {URLSearchParams} params
   */
  route(params) {
    if (!NAMES.some((name) => params.has(name))) return this.#writeAddress();
    const level = params.get("level") ?? "";
    this.#query.value = params.get("q") ?? "";
    this.#level.value = ["1", "2"].includes(level) ? level : "0";
    this.#story.choose(params.get("of") ?? "");
    this.#command.choose(params.get("command") ?? "");
    this.#onChange(this.value);
  }

  /** Shows everything again. */
  clear() {
    this.#query.value = "";
    this.#level.value = "0";
    this.#story.choose("");
    this.#command.choose("");
    this.#changed();
  }

  focus() {
    if (byId("log").hidden) byId("pane-log").click();
    this.#query.focus();
  }

  #changed() {
    writeStored("log-level", this.#level.value);
    this.#writeAddress();
    this.#onChange(this.value);
  }

  #writeAddress() {
    const { story, command, level } = this.value;
    const q = this.#query.value.trim();
    setUrlParams({ q, level: level ? String(level) : null, of: story, command });
  }
}

/** A select whose options are added when they are first met, in order. */
class Choice {
  el;
  #known = new Set();
  #label;

  /** @param {string} id @param {(value: string) => string} label of an option */
  constructor(id, label) {
    this.el = /** @type {HTMLSelectElement} */ (byId(id));
    this.#label = label;
  }

  get value() {
    return this.el.value;
  }

  /** @param {string} value */
  learn(value) {
    if (this.#known.has(value)) return;
    this.#known.add(value);
    const isAfter = (/** @type {HTMLOptionElement} */ { value: other }) =>
      other.localeCompare(value, "en", { numeric: true }) > 0;
    const next = [...this.el.options].slice(1).find(isAfter);
    this.el.insertBefore(h("option", { value, text: this.#label(value) }), next ?? null);
  }

  /** @param {string} value "" for all */
  choose(value) {
    if (value) this.learn(value);
    this.el.value = value;
  }
}
