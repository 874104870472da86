// @ts-check
/** The selected line of the log: by a click or the arrow keys, shown in full below the log, and named in the address. */
import { setUrlParams } from "../kit/url-params.js";
import { LogDetail } from "./log-detail.js";

/** @typedef {import("./log-line.js").Line} Line */
/**
 * @typedef {{lines: () => import("./log-buffer.js").LogBuffer, isReplay: () => boolean, showAround: (seq: number) => void,
 *   latest: () => void, changed: () => void}} Owner `lines` are those that are shown
 */

export class LogSelection {
  /** @type {Line | null} */ line = null;
  #port;
  #owner;
  #detail;

  /** @param {import("./log-viewport.js").LogViewport} port @param {Owner} owner */
  constructor(port, owner) {
    this.#port = port;
    this.#owner = owner;
    const showAround = () => this.line && owner.showAround(this.line.seq);
    this.#detail = new LogDetail({ close: () => this.select(null), showAround });
    port.el.addEventListener("click", (event) => this.#clicked(event));
    port.el.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {Line | null} line */
  select(line) {
    const isReplay = this.#owner.isReplay();
    if (line !== this.line && !isReplay) setUrlParams({ line: line && String(line.seq) });
    this.line = line;
    this.#detail.show(line, this.#owner.lines().filtered && !isReplay);
    this.#owner.changed();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const line = this.#port.lineAt(event.target);
    if (line && !getSelection()?.toString()) this.select(line === this.line ? null : line);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#move(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "c" && this.line) this.#detail.copy();
    else if (event.key === "Escape" && this.line) this.select(null);
    else if (event.key === "End") this.#owner.latest();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Moves the selection and keeps it in sight. @param {1 | -1} by */
  #move(by) {
    const lines = this.#owner.lines();
    if (!lines.view.length) return;
    const here = this.line ? lines.rowOf(this.line.seq) : this.#port.last;
    const row = Math.min(lines.view.length - 1, Math.max(0, here + by));
    this.#port.keepInSight(row);
    this.select(lines.view[row]);
    this.#port.el.setAttribute("aria-activedescendant", `line-${lines.view[row].seq}`);
  }
}
