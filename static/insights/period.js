// @ts-check
/** The days of a filter, and groups of days where there are too many for a column each. Pure. */
import { dateOf } from "../kit/chart-axis.js";
import { day, plural } from "../kit/format.js";

/** @typedef {{batch: number | null, days: number | null, from: string | null, to: string | null}} Filter null for all */

const DAY_MS = 86_400_000;
/** How many days a column may stand for. */
const GROUPS = [1, 7, 28, 91, 364];

/**
 * The first and the last day of a filter, null for an open end.
 * @param {Filter} filter
 * @param {number} now
 * @returns {[first: string | null, last: string | null]}
 */
export function periodOf({ days, from, to }, now) {
  // Noon, so that a day of 23 hours is none less.
  const noon = Date.parse(`${dateOf(now)}T12:00:00`);
  return days ? [dateOf(noon - (days - 1) * DAY_MS), dateOf(now)] : [from, to];
}

/** The instants between which the days of a filter are, in ms. @param {Filter} filter @param {number} now */
export function boundsOf(filter, now) {
  const [first, last] = periodOf(filter, now);
  const end = last && new Date(`${last}T00:00:00`);
  // The next midnight, also after a day of 25 hours.
  if (end) end.setDate(end.getDate() + 1);
  return { since: first ? Date.parse(`${first}T00:00:00`) : 0, until: end ? end.getTime() : Infinity };
}

/** "in the last 7 days", "from 1 Mar 2026 to 9 Mar 2026", "" for all time. @param {Filter} filter */
export function periodText({ days, from, to }) {
  if (days) return days === 1 ? "today" : `in the last ${days} days`;
  const [first, last] = [from, to].map((date) => date && day(Date.parse(`${date}T12:00:00`)));
  if (first && first === last) return `on ${first}`;
  return [first && `from ${first}`, last && `${first ? "to" : "until"} ${last}`].filter(Boolean).join(" ");
}

/** What the figures are compared with. @param {Filter} filter @param {{batch: number | null} | null} before @param {number} now */
export function beforeText(filter, before, now) {
  if (!before) return "";
  if (before.batch) return `compared with batch ${before.batch}`;
  const [first, last] = periodOf(filter, now);
  if (!first) return "";
  const end = Math.min(Date.parse(`${last ?? dateOf(now)}T12:00:00`), Date.parse(`${dateOf(now)}T12:00:00`));
  const length = Math.round((end - Date.parse(`${first}T12:00:00`)) / DAY_MS) + 1;
  return length === 1 ? "compared with the day before" : `compared with the ${plural(length, "day")} before`;
}

/**
 * Days in groups of equal length, at most so many; the last group ends with the last day.
 * @param {string[]} days
 * @param {number} most
 * @returns {string[][]}
 */
export function groupDays(days, most) {
  const size = GROUPS.find((length) => days.length / length <= most) ?? GROUPS[GROUPS.length - 1];
  const groups = [];
  for (let end = days.length; end > 0; end -= size) groups.unshift(days.slice(Math.max(0, end - size), end));
  return groups;
}
