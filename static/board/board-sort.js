// @ts-check
/** The orders of stories on the Board. Pure. */
import { STATUSES } from "../shell/plan.js";

/** @typedef {import("./story-card.js").Card} Card */

/** Value and label of each order; the first is that of the plan. @type {[string, string][]} */
export const ORDERS = [
  ["", "In plan order"],
  ["problems", "Problems first"],
  ["status", "By status"],
  ["title", "By title"],
  ["tasks", "By tasks done"],
];

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** @type {Record<string, number>} */
const TONES = { bad: 1, warn: 2 };

/** Lower comes first. @type {Record<string, (card: Card) => number>} */
const RANKS = {
  problems: ({ story }) => (story.status === "blocked" ? 0 : (TONES[story.standing?.tone ?? ""] ?? 3)),
  status: ({ story }) => STATUSES.indexOf(story.status),
  tasks: ({ story: { tasks } }) => (tasks?.total ? -tasks.done / tasks.total : 1),
};

/** @param {Card[]} cards @param {string} order @returns {Card[]} in a new list; equal ones keep their order */
export function sorted(cards, order) {
  if (order === "title") return cards.toSorted((a, b) => collator.compare(nameOf(a), nameOf(b)));
  const rank = RANKS[order];
  return rank ? cards.toSorted((a, b) => rank(a) - rank(b)) : cards;
}

/** @param {Card} card */
function nameOf({ story }) {
  return story.title || story.key;
}
