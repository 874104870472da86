// @ts-check
/** What is drawn of the Board: which groups are folded, the columns of the others, how dense, and the counts. */
import { plural } from "../kit/format.js";
import { readStored } from "../kit/storage.js";
import { columnsOf, mostIn } from "./board-rows.js";
import { SMALL } from "./folds.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("./epic-row.js").EpicRow} EpicRow */
/** @typedef {import("./selection.js").Selection} Selection */

/** The name of the one column of a list. */
const ALL = "all";

/**
 * The rows with what is drawn of each.
 * @param {Model} model
 * @param {EpicRow[]} rows
 * @param {{folded: Set<string>, isUsed: boolean, isList: boolean, selection: Selection}} view
 * @returns {EpicRow[]}
 */
export function laidOut(model, rows, { folded, isUsed, isList, selection }) {
  const names = isList ? [] : openColumns(rows.filter((row) => !folded.has(row.id)));
  return rows.map((row) => {
    if (folded.has(row.id)) return { ...row, folded: true };
    const cards = row.cards.map((card) => ({ ...card, selected: selection.has(card.story.key) }));
    const one = row.id === "other" ? "other" : isList ? ALL : "";
    if (one) return { ...row, columns: [{ name: one, cards, most: Infinity }] };
    const columns = names.map((name) => ({
      name,
      cards: cards.filter((card) => card.story.status === name),
      most: mostIn(model, name, isUsed),
    }));
    return { ...row, columns };
  });
}

/** The columns of the groups that are open: those of statuses that some of their stories have. @param {EpicRow[]} rows */
export function openColumns(rows) {
  return columnsOf(rows.filter((row) => !row.folded && row.id !== "other").flatMap((row) => row.cards));
}

/**
 * The rows from the top that together draw more than `most` cards, and how many cards they draw.
 * @param {EpicRow[]} rows
 * @param {number} most
 */
export function firstRows(rows, most) {
  let cards = 0;
  for (const [index, row] of rows.entries()) {
    for (const column of row.columns) cards += Math.min(column.cards.length, column.most);
    if (cards > most) return { end: index + 1, cards };
  }
  return { end: rows.length, cards };
}

/** Whether cards are drawn small: as the operator has chosen, else by their number. @param {number} stories */
export function isDense(stories) {
  const chosen = readStored("board.density", "");
  return chosen ? chosen === "compact" : stories > SMALL;
}

/** @param {Model} model @param {number} shown cards that match the filter */
export function countText({ plan, counts }, shown) {
  if (!plan.sprint) return "";
  const isPart = shown < plan.stories.length + plan.sprint.other.length;
  const part = isPart ? `${plural(shown, "card")} shown · ` : "";
  const blocked = counts.blocked ? `, ${counts.blocked} blocked` : "";
  return `${part}${counts.done} of ${plural(counts.total, "story", "stories")} done${blocked}`;
}
