// @ts-check
/**
 * The values of a chart, one at a time: under the mouse, at a touch, and by the arrow keys. In charts over days a drag,
 * or Shift with the arrows and Enter, chooses a range.
 */
import { attr, h, show, text } from "../kit/dom.js";
import { day } from "../kit/format.js";

/** @typedef {import("../kit/charts.js").Mark} Mark */

/** A pointer that moved less than this chooses no range, in px. */
const CLICK_PX = 6;
/** @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

export class ChartCursor {
  #tip = h("p", { class: "chart-tip chart-value-tip", "aria-hidden": "true", hidden: true });
  #box = h("i", { class: "chart-mark", hidden: true });
  #slider;
  el;
  /** @type {Mark[]} */ #marks = [];
  #at = 0;
  /** Where the range begins that is being chosen. @type {number | null} */ #from = null;
  /** @type {number | null} */ #pressedAt = null;
  #onRange;

  /** @param {string} label @param {(first: string, last: string) => void} onRange is called with the first and last day */
  constructor(label, onRange) {
    this.#onRange = onRange;
    this.#slider = h("div", { class: "chart-slider", role: "slider", tabindex: "0", "aria-labelledby": label });
    this.el = h("div", { class: "chart-cursor" }, this.#box, this.#slider, this.#tip);
    const slider = this.#slider;
    slider.addEventListener("keydown", (event) => this.#key(event));
    slider.addEventListener("focus", () => slider.matches(":focus-visible") && this.#show());
    slider.addEventListener("blur", () => this.#hide());
    slider.addEventListener("pointerdown", (event) => this.#press(event));
    slider.addEventListener("pointermove", (event) => this.#move(event));
    slider.addEventListener("pointerup", (event) => this.#release(event));
    for (const type of ["pointerleave", "pointercancel"]) slider.addEventListener(type, () => this.#hide());
  }

  /** @param {Mark[]} marks in the order in which the keys go */
  update(marks) {
    this.#marks = marks;
    this.#at = Math.min(this.#at, Math.max(0, marks.length - 1));
    show(this.el, marks.length > 0);
    attr(this.#slider, "aria-valuemin", 1);
    attr(this.#slider, "aria-valuemax", marks.length);
    attr(this.#slider, "data-range", this.#hasDays);
    this.#describe();
  }

  get #hasDays() {
    return this.#marks.length > 1 && this.#marks[0].first !== undefined;
  }

  #describe() {
    if (!this.#marks.length) return;
    attr(this.#slider, "aria-valuenow", this.#at + 1);
    attr(this.#slider, "aria-valuetext", this.#words());
  }

  /** What the cursor says: of one value, or of a range. */
  #words() {
    if (this.#from === null || this.#from === this.#at) return this.#marks[this.#at].text;
    const [first, last] = [this.#from, this.#at].sort((a, b) => a - b).map((at) => this.#marks[at]);
    return `${dayText(first.first)} to ${dayText(last.last)}: Enter, or let go, to see these days`;
  }

  #show() {
    const [first, last] = [this.#from ?? this.#at, this.#at].sort((a, b) => a - b).map((at) => this.#marks[at]);
    if (!first) return;
    const width = last.x + last.width - first.x;
    Object.assign(this.#box.style, {
      left: `${first.x}px`,
      top: `${first.y}px`,
      width: `${width}px`,
      height: `${first.height}px`,
    });
    show(this.#box, true);
    text(this.#tip, this.#words());
    show(this.#tip, true);
    this.#placeTip(this.#marks[this.#at]);
    this.#describe();
  }

  /** @param {Mark} mark */
  #placeTip(mark) {
    const room = this.el.clientWidth - this.#tip.offsetWidth;
    const left = Math.max(0, Math.min(room, mark.x + mark.width / 2 - this.#tip.offsetWidth / 2));
    const above = mark.y - this.#tip.offsetHeight - 4;
    this.#tip.style.left = `${left}px`;
    this.#tip.style.top = `${this.#hasDays ? -this.#tip.offsetHeight - 2 : above < -8 ? mark.y + mark.height : above}px`;
  }

  #hide() {
    this.#from = null;
    this.#pressedAt = null;
    show(this.#box, false);
    show(this.#tip, false);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key, shiftKey } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key in STEPS) this.#step(STEPS[key], shiftKey);
    else if (key === "Enter" && this.#hasDays) this.#choose();
    else if (key === "Escape" && !this.#box.hidden) this.#hide();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} by @param {boolean} extends_ whether a range is chosen */
  #step(by, extends_) {
    this.#from = extends_ && this.#hasDays ? (this.#from ?? this.#at) : null;
    this.#at = Math.min(this.#marks.length - 1, Math.max(0, this.#at + by));
    this.#show();
  }

  #choose() {
    const [first, last] = [this.#from ?? this.#at, this.#at].sort((a, b) => a - b).map((at) => this.#marks[at]);
    this.#hide();
    this.#onRange(first.first ?? "", last.last ?? "");
  }

  /** @param {PointerEvent} event @returns {number} the place of the value there, or nearest */
  #placeOf(event) {
    const frame = this.#slider.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    const isInside = (/** @type {Mark} */ { x: left, y: top, width, height }) =>
      this.#hasDays ? x >= left && x < left + width : x >= left && x < left + width && y >= top && y < top + height;
    const found = this.#marks.findIndex(isInside);
    return found < 0 ? this.#at : found;
  }

  /** @param {PointerEvent} event */
  #press(event) {
    this.#at = this.#placeOf(event);
    if (event.pointerType === "mouse" && event.button === 0 && this.#hasDays) {
      this.#pressedAt = event.clientX;
      this.#slider.setPointerCapture(event.pointerId);
    }
    this.#show();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const here = this.#placeOf(event);
    if (this.#pressedAt !== null && Math.abs(event.clientX - this.#pressedAt) > CLICK_PX) this.#from ??= this.#at;
    this.#at = here;
    this.#show();
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const isDrag = this.#pressedAt !== null && Math.abs(event.clientX - this.#pressedAt) > CLICK_PX;
    this.#pressedAt = null;
    if (isDrag && this.#from !== null) this.#choose();
  }
}

/** @param {string | undefined} date */
function dayText(date) {
  return day(Date.parse(`${date}T12:00:00`));
}
