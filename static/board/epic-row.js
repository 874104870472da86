// @ts-check
/** A row of the Board: one epic, its stories in a column for each status. */

import { h, icon, list, text } from "../kit/dom.js";
import { statusText } from "../kit/format.js";
import { StoryCard } from "./story-card.js";

/** @typedef {import("./story-card.js").Card} Card */
/** @typedef {{name: string, cards: Card[]}} Column */
/** @typedef {{id: string, name: string, title: string, facts: string, columns: string[], cards: Card[]}} EpicRow */

export class EpicRowView {
  el;
  #title = h("span");
  #facts = h("span", { class: "epic-facts" });
  #grid = h("div", { class: "epic-columns" });
  #columns;
  /** @type {EpicRow | null} */ #drawn = null;

  /** @param {EpicRow} row @param {(key: string) => void} openStory */
  constructor(row, openStory) {
    const id = `epic-${row.id.replace(/\W/g, "-")}`;
    const title = h("h2", { id }, h("span", { class: "key", text: row.name }), this.#title);
    const head = h("header", {}, title, this.#facts);
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
