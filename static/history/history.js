// @ts-check
/** The History tab: the batches that match a filter, page by page, with the outcome of each and the ways into it. */

import { catchApiError, get } from "../kit/api.js";
import { byId, list, show, text } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";
import { setUrlParams, urlParams, wholeNumber } from "../kit/url-params.js";
import { titleOf } from "../shell/plan.js";
import { BatchRow } from "./batch-row.js";
import { BatchComparison } from "./comparison.js";
import { HistoryFilter } from "./history-filter.js";

/** @typedef {import("./batch-row.js").Batch} Batch */
/** @typedef {import("../shell/model.js").Model} Model */

/** Batches of one page of the list. */
const PAGE = 25;
/** Least time between two reads while a batch runs, in ms. */
const READ_MS = 2_000;

/** The number of the page, from 1. */
const pageNumber = () => wholeNumber(urlParams().get("page")) ?? 1;

export class History {
  #rows;
  #filter = new HistoryFilter(() => this.#read());
  #comparison = new BatchComparison(() => this.#updateRows());
  /** @type {Model | null} */ #model = null;
  /** What has happened by the last read. */
  #state = "";
  /** What was asked for by the last read. @type {string | null} */
  #asked = null;
  #readAt = 0;
  #timer = 0;

  /** @param {{replay: (id: number) => void}} actions */
  constructor({ replay }) {
    const actions = {
      replay,
      toggle: (/** @type {number} */ id) => this.#toggle(id),
      compare: (/** @type {number} */ id) => this.#comparison.toggle(id),
    };
    this.#rows = list(
      byId("batches"),
      (/** @type {Batch} */ batch) => batch.id,
      (batch) => new BatchRow(batch, actions),
    );
    byId("batches-newer").addEventListener("click", () => this.#goTo(pageNumber() - 1));
    byId("batches-older").addEventListener("click", () => this.#goTo(pageNumber() + 1));
  }

  /** Reads again when a batch began, ended or progressed. @param {Model} model */
  render(model) {
    this.#model = model;
    if (!model.ready) return;
    const { batch, totals } = model.run;
    const state = `${batch?.id} ${batch?.status} ${totals.commands}`;
    if (this.#asked !== this.#query()) this.#read();
    else if (state === this.#state) this.#updateRows();
    else this.#readSoon();
    this.#state = state;
  }

  /** @param {Model} _ @param {number} now */
  tick(_, now) {
    for (const row of this.#rows.views()) row.tick(now);
  }

  #query() {
    const query = this.#filter.query();
    query.set("limit", String(PAGE));
    query.set("offset", String((pageNumber() - 1) * PAGE));
    return query.toString();
  }

  #readSoon() {
    const wait = Math.max(0, this.#readAt + READ_MS - Date.now());
    this.#timer ||= window.setTimeout(() => this.#read(), wait);
  }

  async #read() {
    this.#timer = 0;
    this.#readAt = Date.now();
    const query = this.#query();
    this.#asked = query;
    this.#filter.update();
    const answer = await catchApiError(get(`/api/batches?${query}`), (error) => {
      text(byId("batches-words"), error.message);
      return null;
    });
    if (!answer || query !== this.#asked) return;
    if (!answer.batches.length && answer.total) return this.#goTo(1);
    this.#rows.render(answer.batches);
    this.#filter.offer(answer.agents, this.#model?.plan.stories ?? []);
    this.#renderState(answer);
    this.#updateRows();
    this.#comparison.changed();
  }

  /** @param {number} page */
  #goTo(page) {
    setUrlParams({ page: page > 1 ? String(page) : null, batch: null });
    this.#read();
  }

  /** Opens or closes the stories of a batch. @param {number} id */
  #toggle(id) {
    setUrlParams({ batch: urlParams().get("batch") === String(id) ? null : String(id) });
    this.#updateRows();
  }

  /** Opens the batch that the address names, closes the others, and marks those that are compared. */
  #updateRows() {
    const id = wholeNumber(urlParams().get("batch"));
    const plan = this.#model?.plan;
    const title = (/** @type {string} */ key) => (plan ? titleOf(plan, key) : "");
    this.#comparison.update(title, plan?.byKey);
    for (const row of this.#rows.views()) {
      row.setOpen(row.id === id, title, plan?.byKey);
      row.setCompared(this.#comparison.ids.includes(row.id));
    }
  }

  /** @param {{batches: Batch[], total: number, recorded: number}} answer */
  #renderState({ batches, total, recorded }) {
    const page = pageNumber();
    const first = (page - 1) * PAGE;
    const last = Math.ceil(total / PAGE);
    show(byId("batches-table"), total > 0);
    show(byId("batches-filter"), recorded > 0);
    show(byId("batches-pages"), last > 1);
    const range = last > 1 ? ` · ${count(first + 1)}–${count(first + batches.length)}` : "";
    text(byId("batches-words"), this.#words(total, recorded) + range);
    text(byId("batches-page"), `Page ${page} of ${last}`);
    /** @type {HTMLButtonElement} */ (byId("batches-newer")).disabled = page <= 1;
    /** @type {HTMLButtonElement} */ (byId("batches-older")).disabled = page >= last;
  }

  /** @param {number} total batches that match @param {number} recorded all batches */
  #words(total, recorded) {
    if (!recorded)
      return "No batch has run yet. Each one is kept here: what came of it, what it cost, and how it went, event by event.";
    if (!total) return `None of ${plural(recorded, "batch", "batches")} matches.`;
    if (this.#filter.isActive) return `${count(total)} of ${plural(recorded, "batch", "batches")}`;
    const order = urlParams().get("sort") || urlParams().get("order") ? "" : ", newest first";
    return `${plural(total, "batch", "batches")}${order}`;
  }
}
