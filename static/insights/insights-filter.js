// @ts-check
/** The filter of the Insights tab: what is measured, of which batch, in which period. It is kept in the address. */
import { fill, h } from "../kit/dom.js";
import { day } from "../kit/format.js";
import { readStored, writeStored } from "../kit/storage.js";
import { setUrlParams, urlParams, wholeNumber } from "../kit/url-params.js";
import { MEASURES } from "./measures.js";

const PERIODS = [
  ["", "All time"],
  ["1", "Today"],
  ["7", "Last 7 days"],
  ["30", "Last 30 days"],
  ["90", "Last 90 days"],
];

export class InsightsFilter {
  #measures = h(
    "div",
    { class: "segments", role: "radiogroup", "aria-label": "What is measured" },
    ...Object.entries(MEASURES).map(([name, { words }]) => measureOption(name, words)),
  );
  #batch = h(
    "select",
    { id: "insights-batch", "aria-label": "Batch" },
    h("option", { value: "", text: "All batches" }),
  );
  #period = h(
    "select",
    { id: "insights-days", "aria-label": "Period" },
    ...PERIODS.map(([value, label]) => h("option", { value, text: label })),
  );
  /** The address that the controls show. @type {string | null} */ #shown = null;

  /** @param {{onMeasure: () => void, onFilter: () => void}} page */
  constructor(page) {
    const selects = h("div", { class: "insights-filter" }, this.#batch, this.#period);
    this.el = h("div", { class: "insights-bar" }, this.#measures, selects);
    this.#measures.addEventListener("change", (event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      writeStored("insights.by", value);
      this.write({ by: value === "cost" ? null : value });
      page.onMeasure();
    });
    for (const [name, select] of Object.entries({ batch: this.#batch, days: this.#period }))
      select.addEventListener("change", () => {
        this.write({ [name]: select.value });
        page.onFilter();
      });
  }

  /** The name of a measure. */
  get measure() {
    const name = urlParams().get("by") ?? readStored("insights.by", "cost");
    return name in MEASURES ? name : "cost";
  }

  /** @returns {import("./panel-catalog.js").Filter} */
  get filter() {
    return { batch: wholeNumber(urlParams().get("batch")), days: wholeNumber(urlParams().get("days")) };
  }

  /** The query of `GET /api/insights`. */
  query() {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(this.filter)) if (value) query.set(name, String(value));
    return query;
  }

  /** Changes the address by what the controls show already. @param {Record<string, string | null>} change */
  write(change) {
    setUrlParams(change);
    this.#shown = urlParams().toString();
  }

  /**
   * Makes the controls show the address.
   * @returns {"filter" | "measure" | null} what is another one; null when the address is the same
   */
  update() {
    const query = urlParams().toString();
    if (query === this.#shown) return null;
    const isOtherFilter = this.#shown === null || filterOf(query) !== filterOf(this.#shown);
    this.#shown = query;
    this.#chooseFromAddress();
    const radio = this.#measures.querySelector(`input[value="${this.measure}"]`);
    if (radio instanceof HTMLInputElement) radio.checked = true;
    return isOtherFilter ? "filter" : "measure";
  }

  /** @param {{id: number, started_at: number}[]} batches to choose from */
  offer(batches) {
    const choices = batches.map(({ id }) => id).join();
    if (this.#batch.dataset.choices !== choices) {
      const options = batches.map(({ id, started_at: at }) =>
        h("option", { value: id, text: `Batch ${id}, ${day(at)}` }),
      );
      fill(this.#batch, this.#batch.options[0], ...options);
      this.#batch.dataset.choices = choices;
    }
    this.#chooseFromAddress();
  }

  #chooseFromAddress() {
    const [batch, days] = ["batch", "days"].map((name) => urlParams().get(name) ?? "");
    choose(this.#batch, batch, `Batch ${batch}`);
    choose(this.#period, days, `Last ${days} days`);
  }
}

/** @param {string} name @param {string} label */
function measureOption(name, label) {
  const radio = h("input", { type: "radio", name: "insights-measure", value: name });
  return h("label", {}, radio, h("span", { text: label }));
}

/** @param {string} query of the address */
function filterOf(query) {
  const params = new URLSearchParams(query);
  return [params.get("batch"), params.get("days")].join();
}

/**
 * Chooses a value, also one that is not offered.
 * @param {HTMLSelectElement} select
 * @param {string} value
 * @param {string} label
 */
function choose(select, value, label) {
  const known = [...select.options].some((option) => option.value === value);
  if (!known) select.append(h("option", { value, text: label }));
  select.value = value;
}
