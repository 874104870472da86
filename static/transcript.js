// @ts-check
/** What an agent said and did in one command, as the server reads its stream: unfolded on demand. */
import { get } from "./api.js";
import { h, icon } from "./dom.js";
import { createFold } from "./fold.js";
import { count, plural } from "./format.js";

/** @typedef {{kind: string, text: string, ok: boolean | null, result: string, size: number, subagent: string | null}} Entry */

/** A line with which an agent announces what it does: `::task implement start writing the tests`. */
const TASK = /^::task (\S+) (start|end) ?(.*)$/;

/** What the kinds of entries are called. @type {Record<string, string>} */
const NAMES = {
  started: "started", text: "agent", tool: "tool", denied: "denied", question: "question", retry: "retry", error: "error",
  note: "note", noise: "unread", final: "ended", task: "task",
};

/** A place for the transcript of a command, filled when it is first opened. @param {number} id */
export function createTranscript(id) {
  return createTranscriptFold(id, "the command").el;
}

/** The same, which can be read again. @param {number} id @param {string} name of the command */
export function createTranscriptFold(id, name) {
  return createFold({ class: "transcript", summary: ["Transcript"], region: `Transcript of ${name}`, load: () => read(id) });
}

/** @param {number} id @returns {Promise<Node[]>} */
async function read(id) {
  /** @type {{entries: Entry[]}} */
  const { entries } = await get(`/api/commands/${id}/transcript`);
  const tools = entries.filter((entry) => entry.kind === "tool").length;
  const raw = h("a", { href: `/api/commands/${id}/transcript?raw=1`, target: "_blank", rel: "noopener", text: "The stream as recorded" });
  const head = h("p", { class: "raw" }, `${plural(entries.length, "entry", "entries")}, ${plural(tools, "tool call")} · `, raw);
  return [head, ...entries.flatMap((entry) => (entry.kind === "text" ? said(entry) : [draw(entry)]))];
}

/** What was said, the announcements of tasks set apart. @param {Entry} entry @returns {HTMLElement[]} */
function said(entry) {
  /** @type {HTMLElement[]} */
  const drawn = [];
  let words = "";
  const flush = () => {
    if (words.trim()) drawn.push(line("text", entry, h("span", { class: "entry-text", text: words.trim() })));
    words = "";
  };
  for (const row of entry.text.split("\n")) {
    const task = TASK.exec(row);
    if (!task) {
      words += `${row}\n`;
      continue;
    }
    flush();
    drawn.push(line("task", entry, h("span", { class: "entry-text" }, h("b", { text: task[1] }), ` ${task[2]}s${task[3] ? `: ${task[3]}` : ""}`)));
  }
  flush();
  return drawn;
}

/** @param {Entry} entry */
function draw(entry) {
  if (!entry.result) return line(entry.kind, entry, h("span", { class: "entry-text", text: entry.text }));
  const shown = [...entry.result].length;
  const size = entry.size > shown ? `the first ${count(shown)} of ${count(entry.size)} characters` : plural(entry.size, "character");
  const failed = entry.ok === false ? icon("cross") : "";
  const answer = h("details", { class: "answer" }, h("summary", {}, failed, h("span", { class: "entry-text", text: entry.text }), h("span", { class: "answer-size", text: size })), h("pre", { text: entry.result }));
  return line(entry.kind, entry, answer);
}

/** @param {string} kind @param {Entry} entry @param {HTMLElement} content */
function line(kind, entry, content) {
  const failed = entry.ok === false ? "failed" : null;
  return h("div", { class: "entry", "data-kind": kind, "data-ok": failed, "data-sub": entry.subagent !== null }, h("span", { class: "entry-kind", text: NAMES[kind] ?? kind }), content);
}
