// @ts-check
/** How a command ended, as the Timeline shows it: five outcomes with a colour and a mark each. Pure. */
import { resultWith } from "../kit/command-result.js";

/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {"failed" | "waiting" | "running" | "stopped" | "success"} Outcome */

/** The outcomes, the one that matters most first, with its mark in a bar and its words in the legend. */
export const OUTCOMES = /** @type {const} */ ([
  ["failed", "✕ ", "failed, or blocked its story"],
  ["waiting", "? ", "waiting for an answer, a limit or a check"],
  ["running", "", "running"],
  ["stopped", "‖ ", "stopped"],
  ["success", "", "succeeded"],
]);
/** Statuses of commands that wait for something. */
const WAITING = new Set(["question", "usage-limit", "unchecked"]);

/** @param {Command} command @returns {Outcome} */
export function outcomeOf(command) {
  if (WAITING.has(command.status)) return "waiting";
  return /** @type {Outcome} */ (resultWith(command).result);
}

/** Why it ended so, "" for no reason. @param {Command} command */
export function reasonOf({ reason, blocked }) {
  return reason || (blocked ?? "");
}

/** The outcome of several commands in one bar. @param {Command[]} commands @returns {Outcome} */
export function worstOf(commands) {
  const found = new Set(commands.map(outcomeOf));
  return OUTCOMES.map(([name]) => name).find((name) => found.has(name)) ?? "success";
}

/** The outcome in words, with what it came to: "success · complete". @param {Command} command */
export function outcomeWords(command) {
  const { words } = resultWith(command);
  const { verdict } = command;
  return [words, words.startsWith(verdict) ? "" : verdict].filter(Boolean).join(" · ");
}

/** Whether a command needs a look. @param {Command} command */
export function isProblem(command) {
  const outcome = outcomeOf(command);
  return outcome === "failed" || outcome === "waiting";
}

/**
 * The failed or waiting command after one, or before it; from the last one on the first again.
 * @param {Command[]} commands in order of start
 * @param {number | null} current
 * @param {1 | -1} direction
 * @returns {number | null}
 */
export function nextProblem(commands, current, direction) {
  const here = commands.findIndex((command) => command.command_id === current);
  const places = commands.flatMap((command, at) => (isProblem(command) ? [at] : []));
  const next = direction > 0 ? places.find((at) => at > here) : places.findLast((at) => at < here);
  const at = next ?? places.at(direction > 0 ? 0 : -1);
  return at === undefined ? null : commands[at].command_id;
}
