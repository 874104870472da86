// @ts-check
/** A row of the Board: one epic, its stories in a column for each status. */

import { catchApiError, post } from "../kit/api.js";
import { attr, h, icon, list, show, text } from "../kit/dom.js";
import { statusText } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { StoryCard } from "./story-card.js";

/** @typedef {import("./story-card.js").Card} Card */
/** @typedef {{name: string, cards: Card[]}} Column */
/**
 * @typedef {{id: string, name: string, title: string, facts: string, columns: string[], cards: Card[],
 *   closable: boolean}} EpicRow
 */

export class EpicRowView {
  el;
  #title = h("span");
  #facts = h("span", { class: "epic-facts" });
  #grid = h("div", { class: "epic-columns" });
  #close = h("button", { type: "button", class: "button small", text: "Close epic", hidden: true, "data-verb": true });
  #columns;
  /** @type {EpicRow | null} */ #drawn = null;

  /** @param {EpicRow} row @param {(key: string) => void} openStory */
  constructor(row, openStory) {
    const id = `epic-${row.id.replace(/\W/g, "-")}`;
    const title = h("h2", { id }, h("span", { class: "key", text: row.name }), this.#title);
    this.#close.addEventListener("click", () => void closeEpic(row.id, this.#close));
    const head = h("header", {}, title, this.#facts, this.#close);
    this.el = h("section", { class: "epic-row", "aria-labelledby": id }, head, this.#grid);
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
    show(this.#close, row.closable);
    const names = row.id === "other" ? ["other"] : row.columns;
    const cards = byStatus(row.cards);
    this.#grid.style.setProperty("--columns", String(row.columns.length));
    this.#columns.render(names.map((name) => ({ name, cards: cards.get(name) ?? [] })));
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

/** @param {Card[]} cards @returns {Map<string, Card[]>} */
function byStatus(cards) {
  const grouped = new Map();
  for (const card of cards) grouped.set(card.story.status, [...(grouped.get(card.story.status) ?? []), card]);
  return grouped;
}

/** @param {string} name @param {(key: string) => void} openStory */
function createColumn(name, openStory) {
  const cards = h("ul", { class: "column-cards" });
  const head = h("h3", { class: "column-name" }, icon(name), statusText(name));
  const rows = list(
    cards,
    (/** @type {Card} */ card) => card.story.key,
    (card) => new StoryCard(card, openStory),
  );
  return {
    el: h("div", { class: "column", "data-status": name }, head, cards),
    /** @param {Column} column */
    update: (column) => rows.render(column.cards),
    /** @param {number} now */
    tick(now) {
      for (const row of rows.views()) row.tick(now);
    },
  };
}

/** @param {{status: string}} column */
export function createColumnHead({ status }) {
  const number = h("b");
  const el = h("div", { "data-status": status }, icon(status), h("span", { text: statusText(status) }), number);
  return { el, update: (/** @type {any} */ next) => text(number, next.count) };
}
