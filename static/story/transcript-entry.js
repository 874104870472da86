// @ts-check
/** One entry of a transcript as elements: text with its tasks, a call of a tool with its result, the end of the command. */
import { h, icon } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";

/**
 * @typedef {{kind: string, text: string, ok: boolean | null, result: string, size: number, subagent: string | null}}
 *   Entry
 */

/** A line with which an agent announces what it does: `::task implement start writing the tests`. */
const TASK = /^::task (\S+) (start|end) ?(.*)$/;

/** What the kinds of entries are called. @type {Record<string, string>} */
const NAMES = {
  started: "started",
  text: "agent",
  tool: "tool",
  denied: "denied",
  question: "question",
  message: "you",
  retry: "retry",
  error: "error",
  note: "note",
  noise: "unread",
  final: "ended",
  task: "task",
};

/** @param {Entry} entry @returns {HTMLElement[]} */
export function entryLines(entry) {
  return entry.kind === "text" ? textLines(entry) : [draw(entry)];
}

/**
 * The text of an agent, with a line of its own for each announcement of a task.
 * @param {Entry} entry
 * @returns {HTMLElement[]}
 */
function textLines(entry) {
  /** @type {HTMLElement[]} */
  const lines = [];
  let words = "";
  const flush = () => {
    if (words.trim()) lines.push(line("text", entry, h("span", { class: "entry-text", text: words.trim() })));
    words = "";
  };
  for (const row of entry.text.split("\n")) {
    const task = TASK.exec(row);
    if (task) {
      flush();
      lines.push(taskLine(entry, task));
    } else words += `${row}\n`;
  }
  flush();
  return lines;
}

/** @param {Entry} entry @param {string[]} match of TASK */
function taskLine(entry, [, name, phase, more]) {
  const words = ` ${phase}s${more ? `: ${more}` : ""}`;
  return line("task", entry, h("span", { class: "entry-text" }, h("b", { text: name }), words));
}

/** @param {Entry} entry */
function draw(entry) {
  if (!entry.result) return line(entry.kind, entry, h("span", { class: "entry-text", text: entry.text }));
  const shown = [...entry.result].length;
  const size =
    entry.size > shown
      ? `the first ${count(shown)} of ${count(entry.size)} characters`
      : plural(entry.size, "character");
  const failed = entry.ok === false ? icon("cross") : "";
  const answer = h(
    "details",
    { class: "answer" },
    h(
      "summary",
      {},
      failed,
      h("span", { class: "entry-text", text: entry.text }),
      h("span", { class: "answer-size", text: size }),
    ),
    h("pre", { text: entry.result }),
  );
  return line(entry.kind, entry, answer);
}

/** @param {string} kind @param {Entry} entry @param {HTMLElement} content */
function line(kind, entry, content) {
  const failed = entry.ok === false ? "failed" : null;
  return h(
    "div",
    { class: "entry", "data-kind": kind, "data-ok": failed, "data-sub": entry.subagent !== null },
    h("span", { class: "entry-kind", text: NAMES[kind] ?? kind }),
    content,
  );
}
