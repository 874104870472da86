// @ts-check
/** A row of the Board: one epic, which folds; its stories in a column for each status, or in a list. */

import { catchApiError, post } from "../kit/api.js";
import { attr, h, list, show, text } from "../kit/dom.js";
import { toast } from "../kit/toast.js";
import { createColumn } from "./board-column.js";
import { createProgress } from "./epic-progress.js";

/** @typedef {import("./story-card.js").Card} Card */
/** @typedef {import("./board-column.js").Column} Column */
/**
 * @typedef {{id: string, name: string, title: string, facts: string, note: string, statuses: string[], cards: Card[],
 *   closable: boolean, done: boolean, busy: boolean, count: number, folded: boolean, columns: Column[]}} EpicRow
 *   `cards` are those that match the filter; `statuses` and `count` are of all its stories; `columns` is what is drawn
 */

export class EpicRowView {
  el;
  #fold;
  #title = h("span", { class: "epic-title", dir: "auto" });
  #facts = h("span", { class: "epic-facts" });
  #note = h("p", { class: "epic-note", hidden: true });
  #progress = createProgress();
  #grid;
  #close = h("button", { type: "button", class: "button small", text: "Close epic", hidden: true, "data-verb": true });
  #columns;
  /** @type {EpicRow | null} */ #drawn = null;

  /** @param {EpicRow} row @param {(key: string) => void} openStory @param {(id: string) => void} toggle */
  constructor(row, openStory, toggle) {
    const id = `epic-${row.id.replace(/\W/g, "-")}`;
    this.#grid = h("div", { class: "epic-columns", id: `${id}-stories` });
    this.#fold = h(
      "button",
      { type: "button", class: "epic-fold", "aria-controls": `${id}-stories`, on: { click: () => toggle(row.id) } },
      h("span", { class: "chevron", "aria-hidden": "true" }),
      h("span", { class: "key", text: row.name }),
      this.#title,
    );
    const head = h("header", {}, h("h2", { id }, this.#fold), this.#facts, this.#close, this.#progress.el);
    this.#close.addEventListener("click", () => void closeEpic(row.id, this.#close));
    this.el = h(
      "section",
      { class: "epic-row", "aria-labelledby": id, "data-epic": row.id },
      head,
      this.#note,
      this.#grid,
    );
    this.#columns = list(
      this.#grid,
      (/** @type {Column} */ column) => column.name,
      (column) => createColumn(column.name, openStory),
    );
  }

  /** @param {EpicRow} row */
  update(row) {
    if (row === this.#drawn) return;
    this.#drawn = row;
    text(this.#title, row.title);
    text(this.#facts, row.facts);
    text(this.#note, row.note);
    show(this.#note, Boolean(row.note) && !row.folded);
    show(this.#close, row.closable);
    this.#progress.update(row.statuses);
    attr(this.#fold, "aria-expanded", String(!row.folded));
    attr(this.el, "data-folded", row.folded);
    show(this.#grid, !row.folded);
    this.#columns.render(row.columns);
  }

  /** @param {number} now */
  tick(now) {
    for (const column of this.#columns.views()) column.tick(now);
  }
}

/** @param {string} id @param {HTMLElement} button */
async function closeEpic(id, button) {
  if (button.getAttribute("aria-disabled")) return;
  attr(button, "aria-disabled", "true");
  const request = post(`/api/epics/${encodeURIComponent(id)}/close`).finally(() => attr(button, "aria-disabled", null));
  const answer = await catchApiError(request, (error) => void toast(error.message, "bad"));
  if (!answer) return;
  toast(`Epic ${id} is closed.`, "good");
  dispatchEvent(new HashChangeEvent("hashchange")); // the plan is read again, as when the Board is opened
}
