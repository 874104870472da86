// @ts-check
/** The filter and the order of the History tab, kept in the address. */
import { attr, byId, fill, h, show } from "../kit/dom.js";
import { foldFilters } from "../kit/filters.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";

/** What can be asked for, by the name in the address, with the field that holds it. */
const FIELDS = /** @type {const} */ ({
  q: "batches-text",
  outcome: "batches-outcome",
  agent: "batches-agent",
  story: "batches-story",
});
/** The orders: the value of `sort`, and what they are called in the list for small screens. */
const ORDERS = /** @type {const} */ ([
  ["id", "Newest first"],
  ["cost_usd", "Most expensive first"],
  ["duration_ms", "Longest first"],
  ["review_rounds", "Most reviews first"],
  ["stories", "Most stories first"],
]);
/** How long a field rests before the list follows what is typed, in ms. */
const REST_MS = 250;

export class HistoryFilter {
  #form = /** @type {HTMLFormElement} */ (byId("batches-filter"));
  #sort = /** @type {HTMLSelectElement} */ (byId("batches-sort"));
  #onChange;
  #timer = 0;

  /** @param {() => void} onChange is called when something else is asked for */
  constructor(onChange) {
    this.#onChange = onChange;
    foldFilters(this.#form);
    fill(this.#sort, ...ORDERS.map(([value, words]) => h("option", { value, text: words })));
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", (event) => this.#changed(event.target === this.#sort ? 0 : REST_MS));
    this.#sort.addEventListener("change", () => this.#orderBy(this.#sort.value, "desc"));
    byId("batches-clear").addEventListener("click", () => this.#clear());
    for (const button of this.#headers())
      button.addEventListener("click", () => this.#toggleOrder(button.dataset.sort ?? "id"));
  }

  /** What the address asks for, as the query of `GET /api/batches`. */
  query() {
    const params = urlParams();
    const names = [...Object.keys(FIELDS), "sort", "order"];
    const asked = names.flatMap((name) => {
      const value = params.get(name);
      return value ? [/** @type {[string, string]} */ ([name, value])] : [];
    });
    return new URLSearchParams(asked);
  }

  /** Whether the list is a part of all batches. */
  get isActive() {
    return Object.keys(FIELDS).some((name) => urlParams().get(name));
  }

  /** Makes the fields show the address. */
  update() {
    const params = urlParams();
    for (const [name, id] of Object.entries(FIELDS)) choose(byId(id), params.get(name) ?? "");
    const [sort, order] = [params.get("sort") ?? "id", params.get("order") ?? "desc"];
    this.#sort.value = sort;
    for (const button of this.#headers()) {
      const direction = order === "asc" ? "ascending" : "descending";
      attr(button.closest("th") ?? button, "aria-sort", button.dataset.sort === sort ? direction : null);
    }
    show(byId("batches-clear"), this.isActive);
  }

  /** @param {string[]} agents @param {{key: string, title: string | null}[]} stories of the plan */
  offer(agents, stories) {
    const select = /** @type {HTMLSelectElement} */ (byId("batches-agent"));
    if (select.dataset.choices !== agents.join()) {
      select.dataset.choices = agents.join();
      fill(select, select.options[0], ...agents.map((name) => h("option", { value: name, text: name })));
    }
    const list = byId("batches-stories");
    if (list.childElementCount !== stories.length)
      fill(list, ...stories.map(({ key, title }) => h("option", { value: key, text: title })));
    choose(select, urlParams().get("agent") ?? "");
  }

  /** @returns {HTMLButtonElement[]} */
  #headers() {
    return [...byId("batches-table").querySelectorAll("button[data-sort]")].filter(
      (button) => button instanceof HTMLButtonElement,
    );
  }

  /** @param {number} wait ms */
  #changed(wait) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      const values = Object.entries(FIELDS).map(([name, id]) => [name, fieldOf(id).value.trim() || null]);
      this.#write(Object.fromEntries(values));
    }, wait);
  }

  #clear() {
    this.#write(Object.fromEntries(Object.keys(FIELDS).map((name) => [name, null])));
    fieldOf(FIELDS.q).focus();
  }

  /** The largest first, and the other way round where it is so already. @param {string} sort */
  #toggleOrder(sort) {
    const params = urlParams();
    const isSame = (params.get("sort") ?? "id") === sort;
    this.#orderBy(sort, isSame && params.get("order") !== "asc" ? "asc" : "desc");
  }

  /** @param {string} sort @param {"asc" | "desc"} order */
  #orderBy(sort, order) {
    this.#write({ sort: sort === "id" ? null : sort, order: order === "desc" ? null : order });
  }

  /** @param {Record<string, string | null>} change */
  #write(change) {
    clearTimeout(this.#timer);
    setUrlParams({ ...change, page: null });
    this.update();
    this.#onChange();
  }
}

/** @param {string} id */
function fieldOf(id) {
  return /** @type {HTMLInputElement | HTMLSelectElement} */ (byId(id));
}

/** Sets a field, also to a value that a list does not offer yet. @param {HTMLElement} el @param {string} value */
function choose(el, value) {
  if (el === document.activeElement && el instanceof HTMLInputElement) return;
  const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (el);
  if (field instanceof HTMLSelectElement && ![...field.options].some((option) => option.value === value))
    field.append(h("option", { value, text: value }));
  if (field.value !== value) field.value = value;
}
