// @ts-check
/** The arithmetic of the charts: axes that begin at zero and end at a round number, days without holes. Pure. */

/** Round steps of an axis. */
const ROUND = [1, 2, 2.5, 5, 10];

/**
 * The marks of an axis from 0 to at least `most`, at round numbers; the last one is the end of the axis.
 * @param {number} most the largest value, 0 or more
 * @param {number} marks about how many
 * @param {number} [least] the smallest step: 1 for things that are counted
 * @returns {number[]}
 */
export function ticks(most, marks, least = 0) {
  const raw = Math.max((most || 1) / Math.max(1, marks), least, Number.MIN_VALUE);
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = ROUND.find((round) => round * power >= raw * (1 - 1e-9)) ?? 10;
  const step = least >= 1 ? Math.max(least, Math.ceil(factor * power)) : factor * power;
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/**
 * Every day from the first to the last, also those on which nothing was.
 * @param {string} first "2026-03-01"
 * @param {string} last
 */
export function days(first, last) {
  const all = [];
  for (let at = Date.parse(`${first}T12:00:00Z`); at <= Date.parse(`${last}T12:00:00Z`); at += 86_400_000)
    all.push(new Date(at).toISOString().slice(0, 10));
  return all;
}

/** The local date of an instant: "2026-03-01". @param {number} at ms */
export function dateOf(at) {
  const date = new Date(at);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/**
 * A text that fits into so many pixels, cut with an ellipsis.
 * @param {string} text
 * @param {number} room px
 * @param {number} glyph px of a letter, on average
 */
export function fit(text, room, glyph) {
  const most = Math.max(1, Math.floor(room / glyph));
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1)).trimEnd()}…`;
}

/** Names in the order in which people count: "2" before "10". */
export const natural = new Intl.Collator("en", { numeric: true }).compare;
