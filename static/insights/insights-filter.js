// @ts-check
/** The filter of the Insights tab: what is measured, of which batch, in which period. It is kept in the address. */
import { attr, fill, h, icon, show, text } from "../kit/dom.js";
import { day } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { readStored, writeStored } from "../kit/storage.js";
import { setUrlParams, urlParams, wholeNumber } from "../kit/url-params.js";
import { MEASURES } from "./measures.js";
import { periodOf, periodText } from "./period.js";

const PERIODS = [
  ["", "All time"],
  ["1", "Today"],
  ["7", "Last 7 days"],
  ["30", "Last 30 days"],
  ["90", "Last 90 days"],
];
/** The value of the list of periods while two days are chosen. */
const RANGE = "range";
/** Parameters of the address that choose what is counted. */
const FILTERS = ["batch", "days", "from", "to"];

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
  #from = /** @type {HTMLInputElement} */ (
    h("input", { type: "date", id: "insights-from", "aria-label": "First day" })
  );
  #to = /** @type {HTMLInputElement} */ (h("input", { type: "date", id: "insights-to", "aria-label": "Last day" }));
  #chipWords = h("span");
  /** Clears the days that were chosen, in a chart or by the fields; all charts show them. */
  #chip = h(
    "button",
    { type: "button", class: "button small range-chip", hidden: true },
    this.#chipWords,
    icon("cross"),
  );
  /** The address that the controls show. @type {string | null} */ #shown = null;

  /** @param {{onMeasure: () => void, onFilter: () => void}} page */
  constructor(page) {
    const range = h("span", { class: "insights-range" }, this.#from, h("span", { text: "to" }), this.#to);
    const selects = h("div", { class: "insights-filter" }, this.#batch, this.#period, range, this.#chip);
    this.el = h("div", { class: "insights-bar" }, this.#measures, selects);
    this.#measures.addEventListener("change", (event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      writeStored("insights.by", value);
      this.write({ by: value === "cost" ? null : value });
      page.onMeasure();
    });
    this.#batch.addEventListener("change", () => this.#choose({ batch: this.#batch.value }, page.onFilter));
    this.#period.addEventListener("change", () => {
      const { value } = this.#period;
      if (value !== RANGE) this.#choose({ days: value, from: null, to: null }, page.onFilter);
    });
    this.#chip.addEventListener("click", () => {
      this.chooseRange("", "", page.onFilter);
      this.#period.focus();
    });
    for (const input of [this.#from, this.#to])
      input.addEventListener("change", () => this.chooseRange(this.#from.value, this.#to.value, page.onFilter));
  }

  /** Chooses days, both included; "" for an open end. @param {string} from @param {string} to @param {() => void} onFilter */
  chooseRange(from, to, onFilter) {
    const [first, last] = from && to && to < from ? [to, from] : [from, to];
    this.#choose({ days: null, from: first, to: last }, onFilter);
  }

  /** @param {Record<string, string | null>} change @param {() => void} onFilter */
  #choose(change, onFilter) {
    this.write(change);
    this.#chooseFromAddress();
    onFilter();
  }

  /** The name of a measure. */
  get measure() {
    const name = urlParams().get("by") ?? readStored("insights.by", "cost");
    return name in MEASURES ? name : "cost";
  }

  /** @returns {import("./panel-catalog.js").Filter} */
  get filter() {
    const params = urlParams();
    const [batch, days] = ["batch", "days"].map((name) => wholeNumber(params.get(name)));
    return {
      batch,
      days,
      from: days ? null : dateOfText(params.get("from")),
      to: days ? null : dateOfText(params.get("to")),
    };
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
    const { batch, days, from, to } = this.filter;
    choose(this.#batch, String(batch ?? ""), `Batch ${batch}`);
    if (from || to) choose(this.#period, RANGE, "Chosen days");
    else choose(this.#period, String(days ?? ""), `Last ${days} days`);
    const [first, last] = periodOf(this.filter, serverNow());
    [this.#from.value, this.#to.value] = [first ?? "", last ?? ""];
    const range = from || to ? periodText(this.filter) : "";
    show(this.#chip, range !== "");
    text(this.#chipWords, capitalised(range));
    attr(this.#chip, "aria-label", range && `Clear the range, all charts are ${range}`);
  }
}

/** @param {string} name @param {string} label */
function measureOption(name, label) {
  const radio = h("input", { type: "radio", name: "insights-measure", value: name });
  return h("label", {}, radio, h("span", { text: label }));
}

/** @param {string} words */
function capitalised(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {string} query of the address */
function filterOf(query) {
  const params = new URLSearchParams(query);
  return FILTERS.map((name) => params.get(name)).join();
}

/** @param {string | null} text */
function dateOfText(text) {
  return text && /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : null;
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
