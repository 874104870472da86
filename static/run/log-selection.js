// @ts-check
/**
 * The selected lines of the log, named in the address: one by a click or the arrow keys, shown in full below the log, or
 * a range by Shift and either, or by the button "To a line…" where there is no Shift key.
 */
import { setUrlParams } from "../kit/url-params.js";
import { isSameRange, rangeOf, rangeText } from "./line-range.js";
import { copyLines, LogDetail } from "./log-detail.js";

/** @typedef {import("./log-line.js").Line} Line */
/** @typedef {import("./line-range.js").LineRange} LineRange */
/**
 * @typedef {{lines: () => import("./log-buffer.js").LogBuffer, isReplay: () => boolean,
 *   reachTo: (seq: number) => Promise<void>, showAround: (range: LineRange) => void, latest: () => void,
 *   changed: () => void}} Owner `lines` are those that are shown, `reachTo` fetches what follows them up to a line
 */

/** @type {Record<string, -1 | 1>} */
const VERTICAL = { ArrowUp: -1, ArrowDown: 1, k: -1, j: 1 };

export class LogSelection {
  /** The line that was chosen last. @type {Line | null} */ line = null;
  /** The range's end that stays when it grows, and the one that moves. */
  #anchor = 0;
  #end = 0;
  #port;
  #owner;
  #detail;

  /** @param {import("./log-viewport.js").LogViewport} port @param {Owner} owner */
  constructor(port, owner) {
    this.#port = port;
    this.#owner = owner;
    const showAround = () => this.range && owner.showAround(this.range);
    this.#detail = new LogDetail({ close: () => this.select(null), copy: () => void this.#copy(), showAround });
    port.el.addEventListener("mousedown", (event) => this.#pressed(event));
    port.el.addEventListener("click", (event) => this.#clicked(event));
    port.el.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @returns {LineRange | null} */
  get range() {
    return this.line && rangeOf(this.#anchor, this.#end);
  }

  /** Selects one line, or the lines of a range of which it is one. @param {Line | null} line @param {LineRange} [range] */
  select(line, range) {
    this.#set(line, range?.first ?? line?.seq ?? 0, range?.last ?? line?.seq ?? 0);
  }

  /** Shows the selection among the lines that are shown now. */
  refresh() {
    if (this.line) this.#set(this.line, this.#anchor, this.#end);
  }

  /** @param {Line | null} line @param {number} anchor @param {number} end */
  #set(line, anchor, end) {
    const before = this.range;
    const isReplay = this.#owner.isReplay();
    this.line = line;
    this.#anchor = anchor;
    this.#end = end;
    const { range } = this;
    if (!isReplay && !isSameRange(range, before)) setUrlParams({ line: range && rangeText(range) });
    this.#detail.show(line, range, this.#owner.lines(), isReplay);
    this.#owner.changed();
  }

  /** Keeps Shift and a click from selecting text. @param {MouseEvent} event */
  #pressed(event) {
    if (!event.shiftKey || !this.line) return;
    event.preventDefault();
    this.#port.el.focus({ preventScroll: true });
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const line = this.#port.lineAt(event.target);
    if (!line || getSelection()?.toString()) return;
    if ((event.shiftKey || this.#detail.extends) && this.line) this.#set(line, this.#anchor, line.seq);
    else this.select(isSameRange(this.range, rangeOf(line.seq, line.seq)) ? null : line);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in VERTICAL) this.#move(VERTICAL[event.key], event.shiftKey);
    else if (event.key === "c" && this.line) void this.#copy();
    else if (event.key === "Escape" && this.line) this.select(null);
    else if (event.key === "End") this.#owner.latest();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Moves the selection, or its end, and keeps it in sight. @param {1 | -1} by @param {boolean} grows */
  #move(by, grows) {
    const lines = this.#owner.lines();
    if (!lines.view.length) return;
    const here = this.line ? lines.rowOf(this.#end) : this.#port.last;
    const row = Math.min(lines.view.length - 1, Math.max(0, here + by));
    const line = lines.view[row];
    this.#port.keepInSight(row);
    if (grows && this.line) this.#set(line, this.#anchor, line.seq);
    else this.select(line);
    this.#port.el.setAttribute("aria-activedescendant", `line-${line.seq}`);
  }

  /** Copies the selected lines that the filter leaves. */
  async #copy() {
    const { range, line } = this;
    if (!range || !line) return;
    if (range.first === range.last) return copyLines([line]);
    await this.#owner.reachTo(range.last);
    copyLines(this.#owner.lines().between(range));
  }
}
