// @ts-check
/**
 * The lines of a change, file by file. Small files are there at once, large ones when they are opened; what is not text
 * is only named. Their content is shown as text only.
 */
import { get } from "../kit/api.js";
import { createDisclosure } from "../kit/disclosure.js";
import { h, text } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";

/** @typedef {{old: number, new: number, title: string, lines: string[]}} Hunk */
/**
 * @typedef {{path: string, status: string, added: number, removed: number, binary: boolean, hunks: Hunk[] | null, cut:
 *   boolean}} FileChange
 */

/** Lines that are drawn at once; the rest of a file follows on demand. */
const CHUNK = 400;
/** Changed lines of all files that are unfolded by themselves. */
const OPEN_LINES = 200;

/** The files of a change, fetched. @param {string} url @returns {Promise<Node[]>} */
export async function readChange(url) {
  /** @type {{files: FileChange[], left_out: number}} */
  const { files, left_out: more } = await get(url);
  let lines = 0;
  const drawn = files.map((file) => {
    lines += file.added + file.removed;
    return createFile(file, url, file.hunks !== null && lines <= OPEN_LINES);
  });
  if (more) drawn.push(h("p", { class: "empty", text: `${plural(more, "more file")} not listed here.` }));
  return drawn.length ? drawn : [h("p", { class: "empty", text: "Nothing is different." })];
}

/** `+12 −3`, with words for those who cannot see the colours. @param {number} added @param {number} removed */
export function createSize(added, removed) {
  return h(
    "span",
    { class: "size", role: "img", "aria-label": `${plural(added, "line")} added, ${plural(removed, "line")} removed` },
    h("ins", { "aria-hidden": "true", text: `+${count(added)}` }),
    " ",
    h("del", { "aria-hidden": "true", text: `−${count(removed)}` }),
  );
}

/** @param {FileChange} file @param {string} url of the change @param {boolean} open */
function createFile(file, url, open) {
  const note = [file.status !== "modified" && file.status, file.binary && "binary"].filter(Boolean).join(", ");
  const name = h("span", { class: "file-name mono", text: file.path });
  const head = [
    name,
    note ? h("span", { class: "file-note", text: note }) : "",
    file.binary ? "" : createSize(file.added, file.removed),
  ];
  if (file.binary)
    return h(
      "div",
      { class: "file" },
      h(
        "p",
        { class: "file-head" },
        ...head,
        h("span", { class: "empty", text: "Not text: its content is not shown." }),
      ),
    );
  const load = async () => linesOf(file.hunks ? file : await get(`${url}?path=${encodeURIComponent(file.path)}`));
  const fold = createDisclosure({ class: "file", summary: head, load });
  fold.el.open = open;
  return fold.el;
}

/** @param {FileChange} file @returns {Node[]} */
function linesOf(file) {
  const rows = (file.hunks ?? []).flatMap(rowsOf);
  if (!rows.length)
    return [
      h("p", { class: "empty", text: file.status === "modified" ? "Only its mode has changed." : "It is empty." }),
    ];
  const body = h("tbody");
  const table = h(
    "table",
    { class: "diff" },
    h("caption", { class: "unseen", text: `Lines of ${file.path}` }),
    h(
      "thead",
      { class: "unseen" },
      h("tr", {}, ...["Old line", "New line", "Change", "Text"].map((name) => h("th", { scope: "col", text: name }))),
    ),
    body,
  );
  const cut = file.cut ? [h("p", { class: "empty", text: "The rest of this file is too large to be shown." })] : [];
  let drawn = 0;
  const more = h("button", { type: "button", class: "plain", on: { click: draw } });

  function draw() {
    body.append(...rows.slice(drawn, drawn + CHUNK).map(createRow));
    drawn = Math.min(rows.length, drawn + CHUNK);
    const left = rows.length - drawn;
    text(more, `Show ${plural(Math.min(CHUNK, left), "more line")} of ${count(left)}`);
    if (!left) more.remove();
  }

  const nodes = [table, more, ...cut];
  draw();
  return drawn === rows.length ? [table, ...cut] : nodes;
}

/** @typedef {{kind: string, old: number | null, new: number | null, text: string}} Row */

/** @param {Hunk} hunk @returns {Row[]} */
export function rowsOf(hunk) {
  let [before, after] = [hunk.old, hunk.new];
  /** @type {Row[]} */
  const rows = [{ kind: "hunk", old: null, new: null, text: hunk.title }];
  for (const line of hunk.lines) {
    const text = line.slice(1);
    if (line[0] === "+") rows.push({ kind: "added", old: null, new: after++, text });
    else if (line[0] === "-") rows.push({ kind: "removed", old: before++, new: null, text });
    else if (line[0] === "\\") rows.push({ kind: "remark", old: null, new: null, text: text.trim() });
    else rows.push({ kind: "same", old: before++, new: after++, text });
  }
  return rows;
}

/** @type {Record<string, string>} */
const SIGNS = { added: "+", removed: "−", hunk: "⋯" };

/** @param {Row} row */
function createRow(row) {
  return h(
    "tr",
    { "data-kind": row.kind },
    h("td", { class: "at", text: row.old ?? "" }),
    h("td", { class: "at", text: row.new ?? "" }),
    h("td", { class: "sign", text: SIGNS[row.kind] ?? "" }),
    h("td", { class: "code", text: row.text }),
  );
}
