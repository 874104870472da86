// @ts-check
/** The arithmetic of the Timeline: which bar stands where, and where the axis has its marks. Pure; times in ms. */

/** @typedef {import("./steps.js").Step} Step */
/** @typedef {{step: Step, lane: number}} Bar */
/** @typedef {{key: string, bars: Bar[], lanes: number}} Row a story and its commands; those at the same time in lanes */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Distances between marks that people count in. */
const STEPS = [1, 2, 5, 10, 15, 30].map((n) => n * SECOND)
  .concat([1, 2, 5, 10, 15, 30].map((n) => n * MINUTE), [1, 2, 3, 6, 12, 24, 48, 168].map((n) => n * HOUR));

/**
 * The marks of an axis, at most so many.
 * @param {number} from @param {number} to @param {number} most
 * @returns {{at: number[], step: number}}
 */
export function marks(from, to, most) {
  const step = STEPS.find((size) => (to - from) / size <= most) ?? STEPS[STEPS.length - 1];
  const at = [];
  for (let mark = Math.ceil(from / step) * step; mark <= to; mark += step) at.push(mark);
  return { at, step };
}

/**
 * One row for each story, in the order in which they were begun.
 * @param {Iterable<Step>} steps in order of start
 * @returns {Row[]}
 */
export function rowsOf(steps) {
  /** @type {Map<string, {row: Row, free: number[]}>} */
  const rows = new Map();
  for (const step of steps) {
    for (const key of step.story_keys) {
      const place = rows.get(key) ?? { row: { key, bars: [], lanes: 0 }, free: [] };
      rows.set(key, place);
      const lane = freeLane(place.free, step.started_at);
      place.free[lane] = step.ended_at ?? Infinity;
      place.row.bars.push({ step, lane });
      place.row.lanes = place.free.length;
    }
  }
  return [...rows.values()].map((place) => place.row);
}

/** @param {number[]} free when each lane is free again @param {number} at */
function freeLane(free, at) {
  const lane = free.findIndex((until) => until <= at);
  return lane < 0 ? free.length : lane;
}

/** From the first start to the last end; what still runs ends now. @param {Iterable<Step>} steps @param {number} now */
export function extent(steps, now) {
  let [from, to] = [Infinity, -Infinity];
  for (const step of steps) {
    from = Math.min(from, step.started_at);
    to = Math.max(to, step.ended_at ?? now);
  }
  return from < to ? { from, to } : { from: now - MINUTE, to: now };
}
