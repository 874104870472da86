// @ts-check
/**
 * How much longer: from this project's own history, never from a guess. Pure; times in ms. A story's time is what its
 * commands took in the foreground, so that pauses and nights do not count.
 */
import { plural } from "../kit/format.js";

/**
 * @typedef {{story_keys: string[], status: string, background: boolean, started_at: number, ended_at: number | null}}
 *   Timed
 *   a command that ran, from the history or from the running batch
 * @typedef {{left: number, of: number}} Estimate what is left, and of how many stories that is known
 */

/** Stories that an estimate looks back on: enough for a median, recent enough for today's agent. */
export const LOOK_BACK = 8;
/** A story that takes longer than usual still takes at least this share of the usual time. */
const AT_LEAST = 0.1;
const MINUTE = 60_000;

/**
 * What each story took; a command for two stories counts half for each.
 * @param {Iterable<Timed>} commands @param {number} now for those that still run
 * @returns {Map<string, number>}
 */
export function timeOfStories(commands, now) {
  /** @type {Map<string, number>} */
  const times = new Map();
  for (const command of commands) {
    if (command.background) continue;
    const share = Math.max(0, (command.ended_at ?? now) - command.started_at) / (command.story_keys.length || 1);
    for (const key of command.story_keys) times.set(key, (times.get(key) ?? 0) + share);
  }
  return times;
}

/** @param {readonly number[]} values @returns {number | null} */
export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * What is left of these stories, one after the other.
 * @param {readonly number[]} past what finished stories took, newest first
 * @param {readonly number[]} spent what each story that is left has taken so far
 * @returns {Estimate | null} null without history
 */
export function estimate(past, spent) {
  const known = past.slice(0, LOOK_BACK);
  const usual = median(known);
  if (usual === null) return null;
  const left = spent.reduce((sum, so) => sum + Math.max(usual - so, usual * AT_LEAST), 0);
  return { left, of: known.length };
}

/** "about 12 min left". @param {number} left */
export function leftText(left) {
  if (left < MINUTE) return "less than a minute left";
  if (left < 60 * MINUTE) return `about ${Math.round(left / MINUTE)} min left`;
  const quarters = Math.round(left / (15 * MINUTE)) / 4;
  const [hours, rest] = [Math.floor(quarters), (quarters % 1) * 60];
  return `about ${hours} h${rest ? ` ${rest} min` : ""} left`;
}

/** "from the last 8 stories". @param {number} of */
export function sourceText(of) {
  return of === 1 ? "from the one story so far" : `from the last ${plural(of, "story", "stories")}`;
}
