// @ts-check
/** The groups of a batch's stories: the machines that they ran on, or the lanes of one machine. Pure; times in ms. */

import { RUNNER } from "../shell/command-list.js";

/** @typedef {import("../shell/command-list.js").Command} Command */

/**
 * @typedef {{of: ReadonlyMap<string, number>, names: readonly string[]}} Groups `of`: the group of each story, from 1;
 *   none where there is only one; `names` are theirs
 */

/**
 * The groups of the stories of one batch: machines where workers took part, else lanes.
 * @param {readonly Command[]} commands
 * @returns {Groups}
 */
export function groupsOf(commands) {
  const machines = machinesOf(commands);
  if (!machines.size) {
    const of = lanesOf(commands);
    return { of, names: Array.from({ length: Math.max(0, ...of.values()) }, (_, lane) => `Lane ${lane + 1}`) };
  }
  const names = [...new Set(machines.values())].sort((a, b) => a.localeCompare(b));
  return { of: new Map([...machines].map(([key, name]) => [key, names.indexOf(name) + 1])), names };
}

/** What the group of the stories is called that no worker had. */
const HERE = "This machine";

/**
 * The machine that each story was on last; nothing where none was on a worker.
 * @param {readonly Command[]} commands
 * @returns {Map<string, string>}
 */
function machinesOf(commands) {
  const machines = new Map();
  if (!commands.some(({ machine }) => machine)) return machines;
  for (const { machine, agent, story_keys: keys } of commands)
    for (const key of keys.filter(Boolean))
      if (agent !== RUNNER || !machines.has(key)) machines.set(key, machine ?? HERE);
  return machines;
}

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
