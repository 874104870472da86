// @ts-check
/** The lines of a changed file as rows of a table: their numbers, the words that are others, the colours of code. */
import { h, text } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";
import { visible } from "../kit/visible.js";
import { languageOf, tokensOf } from "./syntax.js";
import { canPaint, paint } from "./syntax-paint.js";
import { wordDiff } from "./word-diff.js";

/** @typedef {{old: number, new: number, title: string, lines: string[]}} Hunk */
/** @typedef {import("./word-diff.js").Span} Span */
/** @typedef {{kind: string, old: number | null, new: number | null, text: string, words: Span[]}} Row */

/** Lines that are drawn at once; the rest of a file follows on demand. */
const CHUNK = 400;
/** Characters of a line whose words are compared. */
const LONGEST = 1_000;

/** @type {Record<string, string>} */
const SIGNS = { added: "+", removed: "−", hunk: "⋯" };

/** @param {{path: string, hunks: Hunk[] | null}} file @returns {Node[]} none where no line changed */
export function createLines({ path, hunks }) {
  const rows = (hunks ?? []).flatMap(rowsOf);
  if (!rows.length) return [];
  const body = h("tbody");
  const names = ["Old line", "New line", "Change", "Text"].map((name) => h("th", { scope: "col", text: name }));
  const head = h("thead", { class: "unseen" }, h("tr", {}, ...names));
  const table = h(
    "table",
    { class: "diff", dir: "ltr" },
    h("caption", { class: "unseen", text: `Lines of ${path}` }),
    head,
    body,
  );
  const painter = createPainter(path);
  const more = h("button", { type: "button", class: "plain", on: { click: draw } });
  let drawn = 0;

  function draw() {
    for (const row of rows.slice(drawn, drawn + CHUNK)) body.append(createRow(row, painter));
    drawn = Math.min(rows.length, drawn + CHUNK);
    const left = rows.length - drawn;
    text(more, `Show ${plural(Math.min(CHUNK, left), "more line")} of ${count(left)}`);
    if (!left) more.remove();
  }

  const nodes = [table, more];
  draw();
  return drawn === rows.length ? [table] : nodes;
}

/** @param {Hunk} hunk @returns {Row[]} */
export function rowsOf(hunk) {
  let [before, after] = [hunk.old, hunk.new];
  /** @type {Row[]} */
  const rows = [{ kind: "hunk", old: null, new: null, text: visible(hunk.title), words: [] }];
  for (const line of hunk.lines) {
    const row = { old: null, new: null, text: visible(line.slice(1)), words: [] };
    if (line[0] === "+") rows.push({ ...row, kind: "added", new: after++ });
    else if (line[0] === "-") rows.push({ ...row, kind: "removed", old: before++ });
    else if (line[0] === "\\") rows.push({ ...row, kind: "remark", text: row.text.trim() });
    else rows.push({ ...row, kind: "same", old: before++, new: after++ });
  }
  markWords(rows);
  return rows;
}

/** Compares removed lines with the added ones that follow them, pair by pair. @param {Row[]} rows are changed */
function markWords(rows) {
  for (let at = 0; at < rows.length; ) {
    const removed = runOf(rows, at, "removed");
    const added = runOf(rows, at + removed, "added");
    for (let n = 0; n < Math.min(removed, added); n += 1) {
      const [old, now] = [rows[at + n], rows[at + removed + n]];
      if (Math.max(old.text.length, now.text.length) > LONGEST) continue;
      ({ old: old.words, new: now.words } = wordDiff(old.text, now.text));
    }
    at += Math.max(1, removed + added);
  }
}

/** How many rows of one kind follow each other. @param {Row[]} rows @param {number} from @param {string} kind */
function runOf(rows, from, kind) {
  let end = from;
  while (rows[end]?.kind === kind) end += 1;
  return end - from;
}

/** @param {Row} row @param {(row: Row, cell: Element) => void} painter */
function createRow(row, painter) {
  const cell = h("td", { class: "code" }, ...withWords(row));
  painter(row, cell);
  return h(
    "tr",
    { "data-kind": row.kind },
    h("td", { class: "at", text: row.old ?? "" }),
    h("td", { class: "at", text: row.new ?? "" }),
    h("td", { class: "sign", text: SIGNS[row.kind] ?? "" }),
    cell,
  );
}

/** @param {Row} row @returns {(Node | string)[]} */
function withWords({ text: line, words }) {
  const nodes = [];
  let from = 0;
  for (const [start, end] of words) {
    nodes.push(line.slice(from, start), h("span", { class: "word", text: line.slice(start, end) }));
    from = end;
  }
  return [...nodes, line.slice(from)].filter((node) => node !== "");
}

/**
 * Colours the lines of one file, one after the other. What a comment of several lines leaves open is known for the old
 * and the new lines apart, and is unknown where a hunk begins.
 * @param {string} path
 * @returns {(row: Row, cell: Element) => void}
 */
function createPainter(path) {
  const language = canPaint ? languageOf(path) : null;
  let open = { removed: "", added: "" };
  return ({ kind, text: line }, cell) => {
    if (kind === "hunk") open = { removed: "", added: "" };
    if (!language || kind === "hunk" || kind === "remark") return;
    const found = tokensOf(line, language, kind === "removed" ? open.removed : open.added);
    paint(cell, found.tokens);
    open = {
      removed: kind === "added" ? open.removed : found.open,
      added: kind === "removed" ? open.added : found.open,
    };
  };
}
