// @ts-check
/** A text with the places marked that a search has found. */
import { h } from "./dom.js";

/**
 * @param {string} text
 * @param {readonly [number, number][]} ranges from and to in characters, not in halves of characters, in order
 * @returns {(Node | string)[]}
 */
export function marked(text, ranges) {
  const characters = [...text];
  const part = (/** @type {number} */ from, /** @type {number} */ to) => characters.slice(from, to).join("");
  let end = 0;
  const parts = ranges.flatMap(([from, to]) => {
    const before = part(end, from);
    end = to;
    return [before, h("mark", { text: part(from, to) })];
  });
  return [...parts, part(end, characters.length)];
}
