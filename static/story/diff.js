// @ts-check
/**
 * A change, file by file. Small files are open at once, large ones are folded and read when they are opened; what is not
 * text is only named. Their content is shown as text only.
 */
import { get } from "../kit/api.js";
import { createDisclosure } from "../kit/disclosure.js";
import { h } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { createSize } from "./change-size.js";
import { createLines } from "./diff-lines.js";

/**
 * @typedef {{path: string, status: string, added: number, removed: number, binary: boolean, cut: boolean,
 *   hunks: import("./diff-lines.js").Hunk[] | null, part?: number, makers?: string[]}} FileChange
 * @typedef {{files: FileChange[], left_out: number, unknown?: number[]}} Change
 */

/** Changed lines of all files that are unfolded by themselves. */
const OPEN_LINES = 400;

/** The files of a change, fetched. @param {string} url @returns {Promise<Node[]>} */
export async function readChange(url) {
  /** @type {Change} */
  const change = await get(url);
  return [...createFiles(change, url).map(({ el }) => el), ...remarksOf(change)];
}

/**
 * The files of a change, those open that are small.
 * @param {Change} change @param {string} url of it @param {(file: FileChange) => boolean} [isFolded]
 */
export function createFiles({ files }, url, isFolded = () => false) {
  let lines = 0;
  return files.map((file) => {
    lines += file.added + file.removed;
    return { file, el: createFile(file, url, file.hunks !== null && lines <= OPEN_LINES && !isFolded(file)) };
  });
}

/** What is not listed, in words. @param {Change} change @returns {Node[]} */
export function remarksOf({ files, left_out: more }) {
  if (more) return [h("p", { class: "empty", text: `${plural(more, "more file")} not listed here.` })];
  return files.length ? [] : [h("p", { class: "empty", text: "Nothing is different." })];
}

/** `4 files +88 −2`. @param {{files_changed: number, lines_added: number, lines_removed: number}} diff */
export function sizeOf(diff) {
  const size = createSize(diff.lines_added, diff.lines_removed);
  return h("span", { class: "change-size" }, `${plural(diff.files_changed, "file")} `, size);
}

/** @param {FileChange} file @param {string} url of the change @param {boolean} open */
function createFile(file, url, open) {
  const { path, part = 1 } = file;
  const note = [file.status !== "modified" && file.status, file.binary && "binary", part > 1 && `part ${part}`];
  const slash = path.lastIndexOf("/") + 1;
  const head = [
    h(
      "span",
      { class: "file-name mono" },
      h("span", { class: "folder", text: path.slice(0, slash) }),
      h("b", { text: path.slice(slash) }),
    ),
    h("span", { class: "file-note", text: note.filter(Boolean).join(", ") }),
    file.binary ? "" : createSize(file.added, file.removed),
  ];
  if (file.binary) {
    const words = h("span", { class: "empty", text: "Not text: its content is not shown." });
    return h("div", { class: "file" }, h("p", { class: "file-head" }, ...head, words));
  }
  const query = new URLSearchParams({ path, ...(part > 1 && { part: String(part) }) });
  const load = async () => linesOf(file.hunks ? file : await get(`${url}?${query}`));
  const fold = createDisclosure({ class: "file", summary: head, load });
  fold.el.open = open;
  return fold.el;
}

/** @param {FileChange} file @returns {Node[]} */
function linesOf(file) {
  const lines = createLines(file);
  const words = file.status === "modified" ? "Only its mode has changed." : "It is empty.";
  if (!lines.length) return [h("p", { class: "empty", text: words })];
  const cut = file.cut ? [h("p", { class: "empty", text: "The rest of this file is too large to be shown." })] : [];
  return [...lines, ...cut];
}
