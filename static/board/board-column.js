// @ts-check
/** A column of an epic on the Board: the cards of one status, or in a list of all; on a large board the first ones. */
import { h, icon, list, show, text } from "../kit/dom.js";
import { statusText } from "../kit/format.js";
import { StoryCard } from "./story-card.js";

/** @typedef {import("./story-card.js").Card} Card */
/** @typedef {{name: string, cards: Card[], most: number}} Column `name`: a status, or "all"; `most`: cards that are shown */

/** @param {string} name @param {(key: string) => void} openStory */
export function createColumn(name, openStory) {
  const cards = h("ul", { class: "column-cards" });
  const rest = h("button", { type: "button", class: "plain column-rest", hidden: true });
  const head = name === "all" ? null : h("h3", { class: "column-name" }, icon(name), statusText(name));
  const rows = list(
    cards,
    (/** @type {Card} */ card) => card.story.key,
    (card) => new StoryCard(card, openStory),
  );
  let isOpen = false;
  /** @type {Column} */
  let drawn = { name, cards: [], most: Infinity };

  function draw() {
    const most = isOpen ? Infinity : drawn.most;
    // Two that are left take as much room as the button.
    const hidden = drawn.cards.length - most > 2 ? drawn.cards.length - most : 0;
    rows.render(hidden ? drawn.cards.slice(0, most) : drawn.cards);
    show(rest, hidden > 0);
    text(rest, hidden ? `${hidden} more` : "");
  }

  rest.addEventListener("click", () => {
    const { most } = drawn;
    isOpen = true;
    draw();
    const next = cards.children[most]?.querySelector(".card-open");
    if (next instanceof HTMLElement) next.focus();
  });
  return {
    el: h("div", { class: "column", "data-status": name }, head, cards, rest),
    /** @param {Column} column */
    update(column) {
      drawn = column;
      draw();
    },
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
