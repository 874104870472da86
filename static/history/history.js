// @ts-check
/** The History tab: every batch, newest first, page by page, with its outcome and the ways into it. */

import { catchApiError, get } from "../kit/api.js";
import { byId, list, show, text } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";
import { setUrlParams, urlParams, wholeNumber } from "../kit/url-params.js";
import { titleOf } from "../shell/plan.js";
import { BatchRow } from "./batch-row.js";

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
  /** @type {Model | null} */ #model = null;
  /** What has happened by the last read. */
  #state = "";
  /** The page that was read last, 0 for none. */
  #page = 0;
  #readAt = 0;
  #timer = 0;

  /** @param {{replay: (id: number) => void}} actions */
  constructor({ replay }) {
    this.#rows = list(
      byId("batches"),
      (/** @type {Batch} */ batch) => batch.id,
      (batch) => new BatchRow(batch, { replay, toggle: (id) => this.#toggle(id) }),
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
    if (this.#page !== pageNumber()) this.#read();
    else if (state === this.#state) this.#openRow();
    else this.#readSoon();
    this.#state = state;
  }

  /** @param {Model} _ @param {number} now */
  tick(_, now) {
    for (const row of this.#rows.views()) row.tick(now);
  }

  #readSoon() {
    const wait = Math.max(0, this.#readAt + READ_MS - Date.now());
    this.#timer ||= window.setTimeout(() => this.#read(), wait);
  }

  async #read() {
    this.#timer = 0;
    this.#readAt = Date.now();
    const page = pageNumber();
    this.#page = page;
    const answer = await catchApiError(get(`/api/batches?limit=${PAGE}&offset=${(page - 1) * PAGE}`), (error) => {
      text(byId("batches-words"), error.message);
      return null;
    });
    if (!answer || page !== this.#page) return;
    if (!answer.batches.length && answer.total) return this.#goTo(1);
    this.#rows.render(answer.batches);
    renderPages(page, answer.batches.length, answer.total);
    this.#openRow();
  }

  /** @param {number} page */
  #goTo(page) {
    setUrlParams({ page: page > 1 ? String(page) : null, batch: null });
    this.#read();
  }

  /** Opens or closes the stories of a batch. @param {number} id */
  #toggle(id) {
    setUrlParams({ batch: urlParams().get("batch") === String(id) ? null : String(id) });
    this.#openRow();
  }

  /** Opens the batch that the address names, and closes the others. */
  #openRow() {
    const id = wholeNumber(urlParams().get("batch"));
    const plan = this.#model?.plan;
    const title = (/** @type {string} */ key) => (plan ? titleOf(plan, key) : "");
    for (const row of this.#rows.views()) row.setOpen(row.id === id, title, plan?.byKey);
  }
}

/** @param {number} page @param {number} shown batches of this page @param {number} total */
function renderPages(page, shown, total) {
  const first = (page - 1) * PAGE;
  const last = Math.ceil(total / PAGE);
  show(byId("batches-table"), total > 0);
  show(byId("batches-pages"), last > 1);
  const range = last > 1 ? ` · ${count(first + 1)}–${count(first + shown)}` : "";
  const empty =
    "No batch has run yet. Each one is kept here: what came of it, what it cost, and how it went, event by event.";
  text(byId("batches-words"), total ? `${plural(total, "batch", "batches")}, newest first${range}` : empty);
  text(byId("batches-page"), `Page ${page} of ${last}`);
  /** @type {HTMLButtonElement} */ (byId("batches-newer")).disabled = page <= 1;
  /** @type {HTMLButtonElement} */ (byId("batches-older")).disabled = page >= last;
}
