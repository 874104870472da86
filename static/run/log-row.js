// @ts-check
/** One row of the log: a fixed element that shows whatever line scrolls under it. */
import { attr, h, style } from "../kit/dom.js";
import { clock, shortKey } from "../kit/format.js";

/** @typedef {import("./log-line.js").Line} Line */

/** Longest text put into a row; the detail below the log shows all of it. In characters. */
const ROW_MOST = 600;
const GOOD = new Set(["success", "done", "completed"]);

export function createRow() {
  const cells = Array.from({ length: 6 }, () => h("span", { role: "gridcell" }));
  const el = h("div", { class: "log-row", role: "row" }, ...cells);
  let query = "";
  let place = -1;
  const row = {
    el,
    /** @type {Line | null} */
    line: null,
    /**
     * @param {Line} line
     * @param {number} index
     * @param {number} height
     * @param {string} wanted
     * @param {boolean} selected
     */
    show(line, index, height, wanted, selected) {
      if (el.hidden) el.hidden = false;
      if (row.line !== line || query !== wanted) fill(line, wanted);
      if (place !== index * height) style(el, "transform", `translateY(${index * height}px)`);
      place = index * height;
      attr(el, "aria-rowindex", index + 1);
      attr(el, "aria-selected", selected ? "true" : null);
    },
    hide() {
      if (!el.hidden) el.hidden = true;
      row.line = null;
    },
  };

  /** @param {Line} line @param {string} wanted */
  function fill(line, wanted) {
    row.line = line;
    query = wanted;
    el.id = `line-${line.seq}`;
    attr(el, "data-level", line.level);
    attr(el, "data-good", GOOD.has(line.status));
    const texts = [
      clock(line.at),
      line.story && shortKey(line.story),
      line.command,
      line.task,
      line.status,
      line.message.slice(0, ROW_MOST),
    ];
    texts.forEach((value, index) => write(cells[index], value, index > 0 ? wanted : ""));
  }
  return row;
}

/**
 * Text with what was searched for marked.
 * @param {HTMLElement} cell
 * @param {string} value
 * @param {string} wanted lower case
 */
function write(cell, value, wanted) {
  const at = wanted ? value.toLowerCase().indexOf(wanted) : -1;
  if (at < 0) {
    cell.textContent = value;
    return;
  }
  const end = at + wanted.length;
  cell.replaceChildren(value.slice(0, at), h("mark", { text: value.slice(at, end) }), value.slice(end));
}
