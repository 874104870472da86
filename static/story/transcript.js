// @ts-check
/** The transcript of a command: what the agent wrote and did, as the server reads its stream. Loaded on demand. */
import { get } from "../kit/api.js";
import { createDisclosure } from "../kit/disclosure.js";
import { h, icon, show, text } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";
import { onTranscriptChange } from "./transcript-signal.js";

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
  retry: "retry",
  error: "error",
  note: "note",
  noise: "unread",
  final: "ended",
  task: "task",
};

/** Least time between two reads while the command runs, in ms, and in times of the duration of the last one. */
const PAUSE_MS = 1_000;
const PAUSE_TIMES = 10;
/** A scroll position this near the end follows it, in pixels. */
const AT_END = 40;

/** The transcript of a command, loaded when it is first opened. While the command runs it grows and scrolls along. */
class Transcript {
  el;
  #id;
  #entries;
  #mark = h("span", { class: "badge", text: "live" });
  #disclosure;
  #live = false;
  #timer = 0;
  /** How long the last read took, in ms. */
  #took = 0;

  /** @param {number} id @param {string} name of the command */
  constructor(id, name) {
    this.#id = id;
    this.#entries = new TranscriptEntries(id);
    this.#disclosure = createDisclosure({
      class: "transcript",
      summary: ["Transcript", this.#mark],
      region: `Transcript of ${name}`,
      load: () => this.#load(),
    });
    this.el = this.#disclosure.el;
    show(this.#mark, false);
  }

  /** @param {boolean} running whether the command runs; when it has ended the rest is read */
  setLive(running) {
    if (this.#live && !running) this.#disclosure.reload();
    this.#live = running;
    show(this.#mark, running);
    if (running) onTranscriptChange(this.#id, () => this.#changed());
  }

  async #load() {
    const start = performance.now();
    const { from, entries } = await get(`/api/commands/${this.#id}/transcript?from=${this.#entries.settled}`);
    this.#took = performance.now() - start;
    const follows = this.#entries.isEmpty ? this.#live : isAtEnd(this.#disclosure.body);
    this.#entries.replaceFrom(from, entries);
    if (follows) requestAnimationFrame(() => scrollToEnd(this.#disclosure.body));
    return [this.#entries.head, this.#entries.rows];
  }

  /** Reads again after a pause. @returns {boolean} whether the transcript is still shown */
  #changed() {
    this.#timer ||= window.setTimeout(() => this.#reload(), Math.max(PAUSE_MS, PAUSE_TIMES * this.#took));
    return this.#live && this.el.isConnected;
  }

  #reload() {
    this.#timer = 0;
    this.#disclosure.reload();
  }
}

/** @param {number} id @param {string} name of the command */
export function createTranscript(id, name) {
  return new Transcript(id, name);
}

/** @param {HTMLElement} el */
function isAtEnd({ scrollTop, clientHeight, scrollHeight }) {
  return scrollTop + clientHeight >= scrollHeight - AT_END;
}

/**
 * Scrolls to the end, in several frames: the browser estimates the height of what was never visible, so the end moves.
 * @param {HTMLElement} el
 * @param {number} [frames] in which the end may still move
 */
function scrollToEnd(el, frames = 5) {
  el.scrollTop = el.scrollHeight;
  if (frames) requestAnimationFrame(() => scrollToEnd(el, frames - 1));
}

/** The entries of a transcript; only new and changed ones are drawn. */
class TranscriptEntries {
  rows = h("div", { class: "entries" });
  head;
  #summary = h("span");
  /** @type {Entry[]} */ #entries = [];

  /** @param {number} id of the command */
  constructor(id) {
    const href = `/api/commands/${id}/transcript?raw=1`;
    const raw = h("a", { href, target: "_blank", rel: "noopener", text: "The stream as recorded" });
    this.head = h("p", { class: "raw" }, this.#summary, raw);
  }

  get isEmpty() {
    return !this.#entries.length;
  }

  /** The number of entries that will not change: the last one may grow, a call of a tool may get its result. */
  get settled() {
    const { length } = this.#entries;
    const open = this.#entries.findIndex((entry) => entry.kind === "tool" && entry.ok === null);
    return Math.max(0, Math.min(open < 0 ? length : open, length - 1));
  }

  /** @param {number} from @param {Entry[]} entries from there to the end */
  replaceFrom(from, entries) {
    const before = this.#entries;
    this.#entries = [...before.slice(0, from), ...entries];
    for (const [index, entry] of entries.entries()) {
      const at = from + index;
      const row = this.rows.children[at] ?? this.rows.appendChild(h("div"));
      if (JSON.stringify(entry) !== JSON.stringify(before[at])) row.replaceChildren(...entryLines(entry));
    }
    while (this.rows.children.length > this.#entries.length) this.rows.lastChild?.remove();
    const { length } = this.#entries;
    const tools = this.#entries.filter((entry) => entry.kind === "tool").length;
    text(this.#summary, `${plural(length, "entry", "entries")}, ${plural(tools, "tool call")} · `);
  }
}

/** @param {Entry} entry @returns {HTMLElement[]} */
function entryLines(entry) {
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
