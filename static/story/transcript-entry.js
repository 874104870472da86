// @ts-check
/**
 * One entry of a transcript as elements: text with its tasks, a call of a tool with its result or with what it changes in
 * files, the end of the command.
 */
import { createDisclosure } from "../kit/disclosure.js";
import { h, icon } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";
import { loadPart } from "../kit/lazy.js";
import { createSize } from "./change-size.js";

/**
 * @typedef {{path: string, added: number, removed: number, cut: boolean,
 *   hunks: import("./diff-lines.js").Hunk[] | null}} Edit `hunks` is null where the agent names only the file
 * @typedef {{kind: string, text: string, ok: boolean | null, result: string, size: number, subagent: string | null,
 *   edits?: Edit[]}} Entry
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
  // A failed edit has changed nothing: its result says why.
  if (entry.edits?.length && entry.ok !== false) return entry.edits.map((edit) => drawEdit(entry, edit));
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

/** A changed file, which unfolds to its lines. @param {Entry} entry @param {Edit} edit */
function drawEdit(entry, edit) {
  const slash = edit.path.lastIndexOf("/") + 1;
  const [folder, name] = [edit.path.slice(0, slash), edit.path.slice(slash)];
  const verb = entry.text.split(" ", 1)[0];
  const file = h("span", { class: "edit-file mono", title: edit.path });
  file.append(h("span", { class: "folder", text: folder }), h("b", { text: name }));
  const head = [h("span", { class: "edit-verb", text: verb }), file];
  if (!edit.hunks) return line(entry.kind, entry, h("span", { class: "entry-text edit" }, ...head));
  const summary = [...head, createSize(edit.added, edit.removed)];
  const fold = createDisclosure({ class: "edit", summary, load: () => readLines(edit) });
  return line(entry.kind, entry, fold.el);
}

/** @param {Edit} edit @returns {Promise<Node[]>} */
async function readLines({ path, hunks, cut }) {
  const part = await loadPart(() => import("./diff-lines.js"));
  if (!part || !hunks) return [];
  const region = { role: "region", tabindex: "0", "aria-label": `Changed lines of ${path}` };
  const isUnnumbered = !hunks.some((hunk) => hunk.old || hunk.new);
  const box = h("div", { class: "edit-lines", ...region, "data-unnumbered": isUnnumbered });
  box.append(...part.createLines({ path, hunks }));
  if (cut) box.append(h("p", { class: "empty", text: "The rest is in the recorded stream." }));
  return [box];
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
