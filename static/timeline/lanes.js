// @ts-check
/** The lanes of a batch: cycles that ran at the same time, each in its own worktree. Pure; times in ms. */

/** @typedef {import("../shell/command-list.js").Command} Command */

/**
 * The lane of each story, from 1; nothing where no two cycles ran at the same time.
 * @param {Iterable<Command>} commands of one batch
 * @returns {Map<string, number>}
 */
export function lanesOf(commands) {
  const cycles = cyclesOf(commands);
  /** When each lane is free again. @type {number[]} */
  const free = [];
  const lanes = new Map();
  for (const { from, to, keys } of [...cycles.values()].sort((a, b) => a.from - b.from)) {
    const index = free.findIndex((until) => until <= from);
    const lane = index < 0 ? free.length : index;
    free[lane] = to;
    for (const key of keys) lanes.set(key, lane + 1);
  }
  return free.length > 1 ? lanes : new Map();
}

/** The time of each cycle and its stories. @param {Iterable<Command>} commands */
function cyclesOf(commands) {
  /** @type {Map<number, {from: number, to: number, keys: Set<string>}>} */
  const cycles = new Map();
  for (const { cycle, background, started_at: start, ended_at: end, story_keys: keys } of commands) {
    // What runs in the background for the next cycle begins before this one ends.
    if (cycle === null || background) continue;
    const known = cycles.get(cycle) ?? { from: start, to: start, keys: new Set() };
    cycles.set(cycle, known);
    known.to = Math.max(known.to, end ?? Infinity);
    for (const key of keys) known.keys.add(key);
  }
  return cycles;
}
