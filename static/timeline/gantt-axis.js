// @ts-check
/** The axis of the Gantt chart: marks at round times, and the idle times that are cut short. */
import { byId, fill, h, style } from "../kit/dom.js";
import { clock, day, duration, shortClock } from "../kit/format.js";
import { axisMarks } from "../kit/time-axis.js";

/** Least distance of two marks, in px. */
const MARK_PX = 96;
/** About the width of a character of a mark's label, and the room beside it, in px. */
const [CHARACTER_PX, BESIDE_PX] = [7, 8];
/** A gap narrower than this has no space for its length, in px. */
const GAP_PX = 36;
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

/** @typedef {import("../kit/time-axis.js").Gap} Gap */
/**
 * @typedef {{axis: import("../kit/time-axis.js").Axis, width: number, x: (at: number) => number}} Scale
 *   `width` of the plot in px, `x` the px of an instant
 */

export class GanttAxis {
  #marks = byId("chart-axis");
  #gaps = byId("chart-gaps");

  /** @param {Scale} scale @param {{left: number, right: number}} view px @param {number} height px of all rows */
  draw(scale, view, height) {
    fill(this.#marks, ...markItems(scale, view));
    const visible = scale.axis.gaps.filter((gap) => scale.x(gap.to) >= view.left && scale.x(gap.from) <= view.right);
    fill(this.#gaps, ...visible.map((gap) => gapItem(gap, scale)));
    style(this.#gaps, "--rows", `${height}px`);
  }
}

/** @param {Scale} scale @param {{left: number, right: number}} view */
function markItems({ axis, width, x }, { left, right }) {
  const perPx = axis.length / width;
  const [from, to] = [Math.max(0, left), Math.min(width, right)].map((px) => axis.instant(px * perPx));
  const { at, step } = axisMarks(axis, from, to, MARK_PX * perPx);
  return at.map((mark, index) => markItem(markText(mark, step), x(mark), index ? x(at[index - 1]) : 0, width));
}

/**
 * A mark with its label after it; at the end of the axis before it, where it does not reach the label of the mark before.
 * @param {string} label
 * @param {number} left px
 * @param {number} before px of the mark before
 * @param {number} width px of the axis
 */
function markItem(label, left, before, width) {
  const size = label.length * CHARACTER_PX + BESIDE_PX;
  if (left + size <= width) return positioned(h("li", { text: label }), left);
  const fits = left - before >= 2 * size;
  return positioned(h("li", { "data-end": true, text: fits ? label : "" }), left);
}

/** @param {number} mark @param {number} step between two marks, ms */
function markText(mark, step) {
  if (step >= DAY) return day(mark);
  return step < MINUTE ? clock(mark) : shortClock(mark);
}

/** @param {Gap} gap @param {Scale} scale */
function gapItem(gap, { x }) {
  const width = x(gap.to) - x(gap.from);
  const length = gap.to - gap.from;
  const label = h("span", { text: width < GAP_PX ? "⋯" : shortDuration(length) });
  const title = `${duration(length)} in which nothing ran, cut short`;
  const el = positioned(h("li", { class: "gap", title }, label), x(gap.from));
  el.style.width = `${width}px`;
  return el;
}

/** @template {HTMLElement} E @param {E} el @param {number} left px */
function positioned(el, left) {
  el.style.left = `${left}px`;
  return el;
}

/** "2 h", "14 min". @param {number} ms */
function shortDuration(ms) {
  if (ms < MINUTE) return `${Math.round(ms / 1000)} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  return ms < 2 * DAY ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / DAY)} d`;
}
