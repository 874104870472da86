// @ts-check
/**
 * What the Board shows: words, an epic, a status, the order, board or list. It is kept in the address, so that a view can
 * be shared.
 */

import { attr, byId, fill, h, show } from "../kit/dom.js";
import { foldFilters } from "../kit/filters.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";
import { ORDERS } from "./board-sort.js";
import { PARAMS } from "./saved-views.js";

/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {{query: string, epic: string, status: string, sort: string, layout: string}} Filter */
/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

const isBoard = () => location.hash.startsWith("#board");

export class BoardFilter {
  #query = /** @type {HTMLInputElement} */ (byId("board-query"));
  #epic = /** @type {HTMLSelectElement} */ (byId("board-epic"));
  #status = /** @type {HTMLSelectElement} */ (byId("board-status"));
  #sort = /** @type {HTMLSelectElement} */ (byId("board-sort"));
  /** In the order of `PARAMS`. @type {Field[]} */ #fields = [this.#query, this.#epic, this.#status, this.#sort];
  #layouts = [...byId("board-layout").querySelectorAll("button")];
  #layout = "";
  #clear = h("button", { type: "button", class: "plain", text: "Show all", on: { click: () => this.#reset() } });
  /** Values of the address that are not offered yet: the plan is not loaded. @type {Map<Element, string>} */
  #pending = new Map();
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    foldFilters(byId("board-bar"));
    fill(this.#sort, ...ORDERS.map(([value, label]) => h("option", { value, text: label })));
    this.#status.after(this.#clear);
    this.#clear.hidden = true;
    for (const field of this.#fields)
      field.addEventListener("input", () => {
        this.#pending.delete(field);
        this.#changed();
      });
    for (const button of this.#layouts) button.addEventListener("click", () => this.#setLayout(button.value));
    addEventListener("hashchange", () => this.#readAddress());
    this.#readAddress();
  }

  focus() {
    this.#query.focus();
  }

  /** @returns {Filter} */
  get filter() {
    const [query, epic, status, sort] = this.#values();
    return { query: query.toLowerCase(), epic, status, sort, layout: this.#layout };
  }

  /** What the fields say, or will say once the plan is loaded. */
  #values() {
    return this.#fields.map((field) => this.#pending.get(field) ?? field.value.trim());
  }

  /** Whether only some of the stories are shown. */
  get isUsed() {
    const { query, epic, status } = this.filter;
    return Boolean(query || epic || status);
  }

  /** @param {string[][]} epics value and label of each choice @param {string[][]} statuses */
  offer(epics, statuses) {
    this.#offerChoices(this.#epic, epics);
    this.#offerChoices(this.#status, statuses);
    show(this.#clear, this.isUsed);
  }

  /** Shows a view. @param {URLSearchParams} params */
  apply(params) {
    this.#read(params);
    this.#changed();
  }

  #changed() {
    if (isBoard()) this.#writeAddress();
    this.#onChange();
  }

  /** @param {string} layout "" for columns, or "list" */
  #setLayout(layout) {
    this.#layout = layout === "list" ? layout : "";
    for (const button of this.#layouts) attr(button, "aria-pressed", String(button.value === this.#layout));
    this.#changed();
  }

  #reset() {
    for (const field of this.#fields.slice(0, 3)) this.#set(field, "");
    this.#changed();
    this.#query.focus();
  }

  #writeAddress() {
    const values = [...this.#values(), this.#layout];
    setUrlParams(Object.fromEntries(PARAMS.map((name, index) => [name, values[index]])));
  }

  /** Takes the view from the address; an address without one gets that of the fields. */
  #readAddress() {
    if (!isBoard()) return;
    const params = urlParams();
    if (!PARAMS.some((name) => params.has(name))) return this.#writeAddress();
    this.#read(params);
    this.#onChange();
  }

  /** @param {URLSearchParams} params */
  #read(params) {
    for (const [index, field] of this.#fields.entries()) this.#set(field, params.get(PARAMS[index]) ?? "");
    this.#layout = params.get("layout") === "list" ? "list" : "";
    for (const button of this.#layouts) attr(button, "aria-pressed", String(button.value === this.#layout));
  }

  /** @param {Field} field @param {string} value */
  #set(field, value) {
    this.#pending.delete(field);
    if (field instanceof HTMLInputElement && field.value.trim() === value) return;
    field.value = value;
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

/** @param {PlanStory} story @param {Pick<Filter, "query" | "epic" | "status">} filter */
export function matchesFilter(story, filter) {
  if (filter.epic && story.epic !== filter.epic) return false;
  if (filter.status && story.status !== filter.status) return false;
  if (!filter.query) return true;
  const text = [story.key, story.title, story.description, story.comment, story.raw_status, story.standing?.words]
    .join(" ")
    .toLowerCase();
  return filter.query.split(/\s+/).every((word) => text.includes(word));
}
