// @ts-check
/** What a window comes to in five figures, each beside that of the time or the batch before. Pure. */
import { differenceText } from "../kit/difference.js";
import { allTokens, count, duration, money, partialSum, plural, tokens } from "../kit/format.js";
import { costText, percent, success } from "./measures.js";

/** @typedef {import("./measures.js").Line} Line */
/** @typedef {import("./measures.js").Insights} Insights */
/** @typedef {{words: string, value: string, note: string, before: string}} Fact `before` is "" for nothing to compare */
/** @typedef {{line: Line, done: number, rounds: number, reviewed: number}} Window */

/** @param {Insights} insights @returns {Fact[]} */
export function summary({ total, burn_up: { points }, review_rounds: reviews, before }) {
  if (!total[0]) return [];
  const now = {
    line: total[0],
    done: new Set(points.map((point) => point.story_key)).size,
    rounds: reviews.reduce((sum, line) => sum + line.rounds, 0),
    reviewed: reviews.length,
  };
  const earlier = before?.total[0]
    ? {
        line: before.total[0],
        done: before.stories_done,
        rounds: before.review_rounds,
        reviewed: before.reviewed,
      }
    : null;
  return [
    costFact(now, earlier),
    tokenFact(now, earlier),
    timeFact(now, earlier),
    successFact(now, earlier),
    reviewFact(now, earlier),
  ];
}

/** @param {Window} now @param {Window | null} before @returns {Fact} */
function costFact(now, before) {
  const each = now.done && !now.line.commands_without_cost ? now.line.cost_usd / now.done : null;
  const share =
    each === null
      ? `${plural(now.done, "story", "stories")} done`
      : `${money(each)} for each of ${plural(now.done, "story", "stories")} done`;
  const known = (/** @type {Window} */ { line }) => (line.commands_without_cost ? null : line.cost_usd);
  return fact(
    "Cost",
    costText(now.line),
    now.done ? share : "no story done yet",
    compared(now, before, known, ({ line }) => costText(line)),
  );
}

/** @param {Window} now @param {Window | null} before @returns {Fact} */
function tokenFact(now, before) {
  const words = (/** @type {Window} */ { line }) =>
    partialSum(tokens(allTokens(line)), allTokens(line), line.commands_without_tokens);
  const { output_tokens: output, commands_without_tokens: unreported } = now.line;
  const known = (/** @type {Window} */ { line }) => (line.commands_without_tokens ? null : allTokens(line));
  return fact(
    "Tokens",
    words(now),
    `${partialSum(tokens(output), output, unreported)} output tokens`,
    compared(now, before, known, words),
  );
}

/** @param {Window} now @param {Window | null} before @returns {Fact} */
function timeFact(now, before) {
  const time = (/** @type {Window} */ { line }) => line.duration_ms;
  const words = (/** @type {Window} */ window) => duration(time(window));
  return fact(
    "Agent time",
    words(now),
    `in ${plural(now.line.commands, "command")}`,
    compared(now, before, time, words),
  );
}

/** @param {Window} now @param {Window | null} before @returns {Fact} */
function successFact({ line }, before) {
  const held = line.held ? `, ${count(line.held)} stopped or waiting` : "";
  const earlier = before && success(before.line) !== null ? `${percent(success(before.line))} before` : "";
  return fact("Success", percent(success(line)), `${plural(line.failed, "command")} failed${held}`, earlier);
}

/** @param {Window} now @param {Window | null} before @returns {Fact} */
function reviewFact(now, before) {
  const each = (/** @type {Window} */ { rounds, reviewed }) => (reviewed ? rounds / reviewed : null);
  const words = (/** @type {Window} */ window) => (each(window)?.toFixed(1) ?? "–").replace(/\.0$/, "");
  const note = now.reviewed ? `rounds for a story, ${plural(now.rounds, "round")} in all` : "no code review yet";
  return fact("Reviews", words(now), note, compared(now, before, each, words));
}

/** @param {string} words @param {string} value @param {string} note @param {string} before @returns {Fact} */
function fact(words, value, note, before) {
  return { words, value, note, before };
}

/**
 * "+12 % from $36.10"; without a difference where one of the two is not known whole, "" where there is nothing before.
 * @param {Window} now
 * @param {Window | null} before
 * @param {(window: Window) => number | null} value
 * @param {(window: Window) => string} words
 */
function compared(now, before, value, words) {
  if (!before) return "";
  const difference = differenceText(value(before), value(now));
  return difference ? `${difference} from ${words(before)}` : `${words(before)} before`;
}
