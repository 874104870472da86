// @ts-check
/** A lane of the Board: one epic, its stories in a column for each status. */

import { h, icon, list, text } from "../kit/dom.js";
import { statusWords } from "../kit/format.js";
import { createCard } from "./story-card.js";

/** @typedef {import("./story-card.js").Card} Card */
/** @typedef {{name: string, cards: Card[]}} Column */
/** @typedef {{id: string, name: string, title: string, facts: string, columns: string[], cards: Card[]}} Lane */

/** @param {Lane} lane @param {(key: string) => void} openStory */
export function createLane(lane, openStory) {
  const id = `lane-${lane.id.replace(/\W/g, "-")}`;
  const title = h("span");
  const facts = h("span", { class: "lane-facts" });
  const grid = h("div", { class: "lane-columns" });
  const el = h(
    "section",
    { class: "lane", "aria-labelledby": id },
    h("header", {}, h("h2", { id }, h("span", { class: "key", text: lane.name }), title), facts),
    grid,
  );
  /** @type {Lane | null} */
  let drawn = null;
  const columns = list(
    grid,
    (/** @type {Column} */ column) => column.name,
    (column) => createColumn(column.name, openStory),
  );
  return {
    el,
    /** @param {Lane} next */
    update(next) {
      if (next === drawn) return;
      drawn = next;
      text(title, next.title);
      text(facts, next.facts);
      const names = next.id === "other" ? ["other"] : next.columns;
      const sorted = grouped(next.cards);
      grid.style.setProperty("--columns", String(next.columns.length));
      columns.render(names.map((name) => ({ name, cards: sorted.get(name) ?? [] })));
    },
    /** @param {number} now */
    tick(now) {
      for (const column of columns.views()) column.tick(now);
    },
  };
}

/** @param {Card[]} cards @returns {Map<string, Card[]>} */
function grouped(cards) {
  const byStatus = new Map();
  for (const card of cards) byStatus.set(card.story.status, [...(byStatus.get(card.story.status) ?? []), card]);
  return byStatus;
}

/** @param {string} name @param {(key: string) => void} openStory */
function createColumn(name, openStory) {
  const cards = h("ul", { class: "column-cards" });
  const el = h(
    "div",
    { class: "column", "data-status": name },
    h("h3", { class: "column-name" }, icon(name), statusWords(name)),
    cards,
  );
  const rows = list(
    cards,
    (/** @type {Card} */ card) => card.story.key,
    (card) => createCard(card, openStory),
  );
  return {
    el,
    /** @param {Column} column */
    update: (column) => rows.render(column.cards),
    /** @param {number} now */
    tick(now) {
      for (const row of rows.views()) row.tick(now);
    },
  };
}

/** @param {{status: string}} column */
export function createColumnHead(column) {
  const number = h("b");
  const el = h(
    "div",
    { "data-status": column.status },
    icon(column.status),
    h("span", { text: statusWords(column.status) }),
    number,
  );
  return { el, update: (/** @type {any} */ next) => text(number, next.count) };
}
