// @ts-check
/** What an agent said and did in one command, as the server reads its stream: unfolded on demand. */
import { get } from "../kit/api.js";
import { createFold } from "../kit/disclosure.js";
import { h, icon, show, text } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";
import { follow } from "./transcript-signal.js";

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

/** Least time between two readings while the command runs, in ms, and in times of what the last one took. */
const PAUSE_MS = 1_000;
const PAUSE_TIMES = 10;
/** Who is no further from the end than this follows it, in pixels. */
const AT_END = 40;

/**
 * A place for the transcript of a command, filled when it is first opened. While the command runs it grows, and is
 * followed by who looks at its end.
 * @param {number} id @param {string} name of the command
 */
export function createTranscript(id, name) {
  const page = createPage(id);
  const mark = h("span", { class: "badge", text: "live" });
  const fold = createFold({
    class: "transcript",
    summary: ["Transcript", mark],
    region: `Transcript of ${name}`,
    load,
  });
  let [live, timer, took] = [false, 0, 0];
  show(mark, false);

  async function load() {
    const start = performance.now();
    const { from, entries } = await get(`/api/commands/${id}/transcript?from=${page.settled()}`);
    took = performance.now() - start;
    const { scrollTop, clientHeight, scrollHeight } = fold.body;
    const follows = page.rows.hasChildNodes() ? scrollTop + clientHeight >= scrollHeight - AT_END : live;
    page.take(from, entries);
    if (follows) requestAnimationFrame(() => toEnd(fold.body));
    return [page.head, page.rows];
  }

  /** The command has said something: it is read once things have calmed down, or when it is opened. */
  function hear() {
    timer ||= window.setTimeout(() => ((timer = 0), fold.again()), Math.max(PAUSE_MS, PAUSE_TIMES * took));
    return live && fold.el.isConnected;
  }

  return {
    el: fold.el,
    /** Whether the command runs: its end is read, too. @param {boolean} running */
    setLive(running) {
      if (live && !running) fold.again();
      live = running;
      show(mark, running);
      if (running) follow(id, hear);
    },
  };
}

/**
 * The height of what was never in sight is a guess of the browser's, so the end moves when one comes near it.
 * @param {HTMLElement} el @param {number} [frames] in which it may still move
 */
function toEnd(el, frames = 5) {
  el.scrollTop = el.scrollHeight;
  if (frames) requestAnimationFrame(() => toEnd(el, frames - 1));
}

/** The entries of a transcript; only those that are new or have changed are drawn. @param {number} id of the command */
function createPage(id) {
  /** @type {Entry[]} */
  let all = [];
  const sum = h("span");
  const raw = h("a", {
    href: `/api/commands/${id}/transcript?raw=1`,
    target: "_blank",
    rel: "noopener",
    text: "The stream as recorded",
  });
  const rows = h("div", { class: "entries" });
  return {
    head: h("p", { class: "raw" }, sum, raw),
    rows,
    /** How many of the first entries stay as they are: what is said may grow, a call may be answered. */
    settled() {
      const open = all.findIndex((entry) => entry.kind === "tool" && entry.ok === null);
      return Math.max(0, Math.min(open < 0 ? all.length : open, all.length - 1));
    },
    /** @param {number} from @param {Entry[]} entries the ones from there to the end */
    take(from, entries) {
      const before = all;
      all = [...all.slice(0, from), ...entries];
      for (const [index, entry] of entries.entries()) {
        const at = from + index;
        const row = rows.children[at] ?? rows.appendChild(h("div"));
        if (JSON.stringify(entry) !== JSON.stringify(before[at]))
          row.replaceChildren(...(entry.kind === "text" ? said(entry) : [draw(entry)]));
      }
      while (rows.children.length > all.length) rows.lastChild?.remove();
      const tools = all.filter((entry) => entry.kind === "tool").length;
      text(sum, `${plural(all.length, "entry", "entries")}, ${plural(tools, "tool call")} · `);
    },
  };
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
    drawn.push(
      line(
        "task",
        entry,
        h("span", { class: "entry-text" }, h("b", { text: task[1] }), ` ${task[2]}s${task[3] ? `: ${task[3]}` : ""}`),
      ),
    );
  }
  flush();
  return drawn;
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
