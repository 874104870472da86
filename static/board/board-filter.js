// @ts-check
/** The filter of the Board: words, an epic, a status. It is kept in the address, so that a view can be shared. */

import { byId, fill, h, show } from "../kit/dom.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";

/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {{query: string, epic: string, status: string}} Filter */
/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

/** The parameters of the address, in the order of the fields. */
const NAMES = /** @type {const} */ (["q", "epic", "status"]);

const isBoard = () => location.hash.startsWith("#board");

export class BoardFilter {
  #query = /** @type {HTMLInputElement} */ (byId("board-query"));
  #epic = /** @type {HTMLSelectElement} */ (byId("board-epic"));
  #status = /** @type {HTMLSelectElement} */ (byId("board-status"));
  /** @type {Field[]} */ #fields = [this.#query, this.#epic, this.#status];
  #clear = h("button", { type: "button", class: "plain", text: "Show all", on: { click: () => this.#reset() } });
  /** Values of the address that are not offered yet: the plan is not loaded. @type {Map<Element, string>} */
  #pending = new Map();
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#status.after(this.#clear);
    this.#clear.hidden = true;
    for (const field of this.#fields) field.addEventListener("input", () => this.#changed());
    addEventListener("hashchange", () => this.#readAddress());
    this.#readAddress();
  }

  focus() {
    this.#query.focus();
  }

  /** @returns {Filter} */
  get filter() {
    const [query, epic, status] = this.#fields.map((field) => this.#pending.get(field) ?? field.value);
    return { query: query.trim().toLowerCase(), epic, status };
  }

  /** @param {string[][]} epics value and label of each choice @param {string[][]} statuses */
  offer(epics, statuses) {
    this.#offerChoices(this.#epic, epics);
    this.#offerChoices(this.#status, statuses);
    show(this.#clear, this.#isUsed);
  }

  get #isUsed() {
    return this.#fields.some((field) => field.value);
  }

  #changed() {
    this.#pending.clear();
    if (isBoard()) this.#writeAddress();
    this.#onChange();
  }

  #reset() {
    for (const field of this.#fields) field.value = "";
    this.#changed();
    this.#query.focus();
  }

  #writeAddress() {
    setUrlParams({ q: this.#query.value.trim(), epic: this.#epic.value, status: this.#status.value });
  }

  /** Takes the filter from the address; an address without one gets the filter of the fields. */
  #readAddress() {
    if (!isBoard()) return;
    const params = urlParams();
    if (NAMES.some((name) => params.has(name))) {
      for (const [index, field] of this.#fields.entries()) this.#set(field, params.get(NAMES[index]) ?? "");
      this.#onChange();
    } else if (this.#isUsed) this.#writeAddress();
  }

  /** @param {Field} field @param {string} value */
  #set(field, value) {
    if (field instanceof HTMLInputElement && field.value.trim() === value) return;
    field.value = value;
    this.#pending.delete(field);
    if (field.value === value) return;
    this.#pending.set(field, value);
    field.value = "";
  }

  /** @param {HTMLSelectElement} select @param {string[][]} choices value and label */
  #offerChoices(select, choices) {
    replaceChoices(select, choices);
    const value = this.#pending.get(select);
    if (value === undefined || !choices.length) return;
    this.#pending.delete(select);
    if (choices.some(([known]) => known === value)) select.value = value;
  }
}

/** @param {HTMLSelectElement} select its first option stays @param {string[][]} choices value and label */
function replaceChoices(select, choices) {
  const content = choices.map((choice) => choice.join("\t")).join("\n");
  if (select.dataset.choices === content) return;
  const chosen = select.value;
  fill(select, select.options[0], ...choices.map(([value, label]) => h("option", { value, text: label })));
  select.value = choices.some(([value]) => value === chosen) ? chosen : "";
  select.dataset.choices = content;
}

/** @param {PlanStory} story @param {Filter} filter */
export function matchesFilter(story, filter) {
  if (filter.epic && story.epic !== filter.epic) return false;
  if (filter.status && story.status !== filter.status) return false;
  if (!filter.query) return true;
  const text = [story.key, story.title, story.description, story.comment, story.raw_status, story.standing?.words]
    .join(" ")
    .toLowerCase();
  return filter.query.split(/\s+/).every((word) => text.includes(word));
}
