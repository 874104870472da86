// @ts-check
/** A forecast in words: ranges that hold four of five cases. Pure. */
import { hourMinute, money, plural, tokens } from "./format.js";

/**
 * @typedef {{at: number, batch_id: number | null, stories: number, story_keys: string[],
 *   cost_usd: [number, number] | null, tokens: [number, number] | null, seconds: [number, number],
 *   ends_at: [number, number], basis: {stories: number, commands: string[], defaults: boolean, text: string},
 *   windows: {account: string, name: string, left: number, enough: number | null, resets_at: number | null}[],
 *   notes: string[]}} Forecast of `GET /api/forecast`
 */

/** "9 stories: $11.00 to $19.00, done between 02:10 and 03:40". @param {Forecast} forecast */
export function forecastText({ stories, cost_usd: usd, tokens: used, ends_at: ends, at }) {
  if (!stories) return "Nothing would run.";
  const [low, high] = ends.map((end) => hourMinute(end, at));
  const done = low === high ? `done at ${low}` : `done between ${low} and ${high}`;
  return `${plural(stories, "story", "stories")}: ${costText(usd, used)}, ${done}`;
}

/** @param {[number, number] | null} usd @param {[number, number] | null} used */
function costText(usd, used) {
  if (usd) return rangeText(usd, money);
  return used ? `cost unknown, ${rangeText(used, tokens)} tokens` : "cost unknown";
}

/** @param {[number, number]} range @param {(value: number) => string} format */
export function rangeText([low, high], format) {
  const [from, to] = [format(low), format(high)];
  return from === to ? from : `${from} to ${to}`;
}

/** What it rests on, and what else is to be known. @param {Forecast} forecast */
export function basisText({ stories, basis, windows, notes }) {
  if (!stories) return "";
  const enough = windows.map(({ account, name, enough: of, left }) => {
    const rest = of === null ? `${Math.round(left * 100)} % left` : `enough for ${of} of them`;
    return `The window ${name} of ${account}: ${rest}.`;
  });
  return [`In four of five cases; ${basis.text}.`, ...enough, ...notes].join(" ");
}
