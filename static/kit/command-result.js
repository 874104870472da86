// @ts-check
/**
 * How a command ended: the one rule of the page, for steps, bars, rows and sums. The server counts by the same one
 * (`base/outcome.py`).
 */

/** @typedef {import("../shell/command-list.js").Command} Command */

/** @type {Record<string, {result: string, glyph: string, words: string}>} */
const RESULTS = {
  running: { result: "running", glyph: "", words: "running" },
  success: { result: "success", glyph: "check", words: "success" },
  stopped: { result: "stopped", glyph: "stop", words: "stopped" },
  interrupted: { result: "stopped", glyph: "pause", words: "interrupted" },
  unchecked: { result: "stopped", glyph: "pause", words: "not checked yet" },
  question: { result: "stopped", glyph: "ask", words: "asked a question" },
  "usage-limit": { result: "stopped", glyph: "clock", words: "usage limit" },
};

/** Verdicts of commands that succeeded as calls, and yet held up their story. @type {Record<string, string>} */
const BAD_VERDICTS = { blocked: "blocked the story", unread: "result cannot be read" };

/**
 * How a command ended: its class of outcome, its mark and its words.
 * @param {string} status
 * @param {string | null | undefined} verdict what it came to, where that is known
 */
export function resultOf(status, verdict) {
  const bad = status === "success" ? BAD_VERDICTS[verdict ?? ""] : undefined;
  if (bad) return { result: "failed", glyph: "blocked", words: bad };
  return RESULTS[status] ?? { result: "failed", glyph: "cross", words: status };
}

/** How a command ended; one with which its story was blocked did not go well. @param {Command} command */
export function resultWith({ status, verdict, blocked }) {
  return resultOf(status, blocked === undefined ? verdict : "blocked");
}

/**
 * The last command of each story that is blocked, with the reason.
 * @param {readonly {story_key: string, status: string | null, reason?: string | null}[]} stories
 * @param {readonly Command[]} commands of the batch that blocked them, in order of start
 * @returns {Map<number, string>} by command id
 */
export function blockedBy(stories, commands) {
  const awaited = commands.filter((command) => !command.background);
  return new Map(
    stories
      .filter(({ status }) => status === "blocked")
      .flatMap(({ story_key: key, reason }) => {
        const last = awaited.findLast((command) => command.story_keys.includes(key));
        return last ? [/** @type {[number, string]} */ ([last.command_id, reason ?? ""])] : [];
      }),
  );
}
