// @ts-check
/** A range of lines of the log by their numbers, as the address has it: `line=12` is one line, `line=12-20` are nine. */
import { wholeNumber } from "../kit/url-params.js";

/** @typedef {{first: number, last: number}} LineRange both are in it */

/** The range between two lines, in whichever order. @param {number} one @param {number} other @returns {LineRange} */
export function rangeOf(one, other) {
  return { first: Math.min(one, other), last: Math.max(one, other) };
}

/** @param {string | null} words of the address @returns {LineRange | null} null where they name no lines */
export function parseRange(words) {
  const numbers = (words ?? "").split("-").map((part) => wholeNumber(part));
  const [first, last = first] = numbers;
  return numbers.length > 2 || first === null || last === null ? null : rangeOf(first, last);
}

/** @param {LineRange} range */
export function rangeText({ first, last }) {
  return first === last ? String(first) : `${first}-${last}`;
}

/** @param {LineRange | null} range @param {number} seq of a line */
export function isInRange(range, seq) {
  return range !== null && seq >= range.first && seq <= range.last;
}

/** @param {LineRange | null} one @param {LineRange | null} other */
export function isSameRange(one, other) {
  return one?.first === other?.first && one?.last === other?.last;
}
