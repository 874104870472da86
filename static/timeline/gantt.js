// @ts-check
/**
 * The chart of the Timeline: a row for each story, a bar for each command. Only what is in sight is in the document;
 * a bar is one button, and the arrow keys go from bar to bar. While something runs only its bar grows.
 */

import { attr, byId, h, style, text } from "../kit/dom.js";
import { clock, day, duration, shortKey } from "../kit/format.js";
import { Axis, axisMarks, pieces, rowsOf } from "../kit/time-axis.js";
import { createBar, fill, LANE, ROOM } from "./gantt-bar.js";

/** @typedef {import("../shell/command-list.js").Step} Step */
/** @typedef {import("../kit/time-axis.js").Row & {top: number, height: number}} Row */
/**
 * @typedef {{el: HTMLElement, title: HTMLElement, key: HTMLElement, plot: HTMLElement, bars: Map<number, HTMLElement>}}
 *   Drawn
 */

/** Bars narrower than this are joined with their neighbours, in px. */
const LEAST = 5;
/** What is drawn beyond the edges of the view, in px. */
const SPARE = 300;
/** Least distance of two marks of the axis, in px. */
const MARK_PX = 96;
/** A gap narrower than this has no room for its length, in px. */
const GAP_PX = 36;
/** The widest the chart gets, in px, and the shortest time that a pixel stands for, in ms. */
const [WIDEST, FINEST] = [4_000_000, 1];

export class Gantt {
  /** @type {Row[]} */ rows = [];
  /** @type {Map<number, Step>} */ #steps = new Map();
  /** @type {Map<string, Drawn>} */ #drawn = new Map();
  /** @type {Axis} */ axis = new Axis([], Date.now(), true);
  /** @type {number | null} */ current = null;
  zoom = 1;
  cut = true;
  #chart = byId("chart");
  #body = byId("chart-body");
  #place = byId("chart-rows");
  #marks = byId("chart-axis");
  #gaps = byId("chart-gaps");
  #now = 0;
  #frame = 0;
  #names = 0;
  #height = 0;
  /** @type {(key: string) => string} */ #titleOf = (key) => key;

  /** @param {{openStory: (key: string) => void, onSelect: (step: Step) => void, onMove: () => void}} actions */
  constructor(actions) {
    this.actions = actions;
    this.#chart.addEventListener("scroll", () => this.#later(), { passive: true });
    new ResizeObserver(() => this.#chart.clientWidth && this.layout()).observe(this.#chart);
  }

  /**
   * Shows these commands.
   * @param {Map<number, Step>} steps
   * @param {(key: string) => string} titleOf
   * @param {string[]} order keys of the plan
   * @param {number} now
   */
  show(steps, titleOf, order, now) {
    this.#steps = steps;
    this.#titleOf = titleOf;
    const place = new Map(order.map((key, index) => [key, index]));
    const rank = (/** @type {{key: string}} */ { key }) => (key === "" ? -1 : (place.get(key) ?? Infinity));
    let top = 0;
    this.rows = rowsOf(steps.values())
      .sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)))
      .map((row) => {
        const height = row.lanes * LANE + ROOM;
        top += height;
        return { ...row, top: top - height, height };
      });
    this.#height = top;
    if (this.current !== null && !steps.has(this.current)) this.current = null;
    this.#now = now;
    this.layout();
  }

  /** Time has gone on: running bars grow; the axis moves only when they have come to its end. @param {number} now */
  tick(now) {
    this.#now = now;
    if (now > this.axis.to && [...this.#steps.values()].some((step) => step.ended_at === null)) return this.layout();
    for (const { bars } of this.#drawn.values()) {
      for (const [id, el] of bars) {
        const step = this.#steps.get(id);
        if (step && step.ended_at === null) el.style.width = `${Math.max(3, this.x(now) - this.x(step.started_at))}px`;
      }
    }
  }

  /** Px from the left edge of the plot. @param {number} at ms */
  x(at) {
    return (this.axis.place(at) / this.axis.length) * this.#plotWidth;
  }

  get #plotWidth() {
    return Math.max(1, this.#chart.clientWidth - this.#names) * this.zoom;
  }

  /** How far one may look into it: never wider than a page can be, never finer than times are known. */
  get zoomMost() {
    const width = Math.max(1, this.#chart.clientWidth - this.#names);
    return Math.max(1, Math.min(WIDEST / width, this.axis.length / FINEST / width));
  }

  /** Everything anew: other commands, another width, another zoom. */
  layout() {
    this.axis = new Axis([...this.#steps.values()], this.#now, this.cut);
    this.#names = byId("chart-corner").offsetWidth;
    this.zoom = Math.min(this.zoom, this.zoomMost);
    this.#body.style.width = `${this.#names + this.#plotWidth}px`;
    this.#place.style.height = `${this.#height}px`;
    this.draw();
  }

  #later() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.draw());
  }

  /** What is in sight. */
  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.#chart;
    const view = { left: scrollLeft - SPARE, right: scrollLeft + clientWidth + SPARE, least: LEAST };
    const held = this.rowOf(this.current);
    const seen = this.rows.filter(
      (row) => (row.top + row.height > scrollTop - SPARE && row.top < scrollTop + clientHeight + SPARE) || row === held,
    );
    this.#drawRows(seen, view);
    this.#drawAxis(view);
    this.actions.onMove();
  }

  /** @param {Row[]} seen @param {{left: number, right: number, least: number}} view */
  #drawRows(seen, view) {
    const keys = new Set(seen.map((row) => row.key));
    for (const [key, { el }] of this.#drawn) {
      if (keys.has(key)) continue;
      el.remove();
      this.#drawn.delete(key);
    }
    let first = true;
    for (const row of seen) {
      const drawn = this.#drawn.get(row.key) ?? this.#createRow(row.key);
      this.#drawn.set(row.key, drawn);
      drawn.el.style.top = `${row.top}px`;
      drawn.el.style.height = `${row.height}px`;
      const title = row.key ? this.#titleOf(row.key) : "The project itself";
      text(drawn.key, title === row.key ? "" : shortKey(row.key));
      text(drawn.title, title);
      first = this.#drawBars(row, drawn, view, first);
    }
    const els = seen.map((row) => this.#drawn.get(row.key)?.el);
    els.forEach(
      (el, index) =>
        el && this.#place.children[index] !== el && this.#place.insertBefore(el, this.#place.children[index] ?? null),
    );
  }

  /** @param {string} key @returns {Drawn} */
  #createRow(key) {
    const title = h("span", { class: "title" });
    const short = h("span", { class: "key" });
    const open = { click: () => key && this.actions.openStory(key) };
    const name = h(
      key ? "button" : "span",
      { class: "row-name", type: key ? "button" : null, tabindex: key ? "-1" : null, on: open },
      short,
      title,
    );
    const plot = h("div", { class: "row-plot" });
    return { el: h("li", { class: "row" }, name, plot), title, key: short, plot, bars: new Map() };
  }

  /**
   * @param {Row} row
   * @param {Drawn} drawn
   * @param {{left: number, right: number, least: number}} view
   * @param {boolean} first whether no bar can be reached with Tab yet
   */
  #drawBars(row, drawn, view, first) {
    const wanted = pieces(row, (at) => this.x(at), this.#now, view, this.current);
    const ids = new Set(wanted.map((piece) => piece.bars[0].step.command_id));
    for (const [id, el] of drawn.bars) {
      if (ids.has(id)) continue;
      el.remove();
      drawn.bars.delete(id);
    }
    for (const piece of wanted) {
      const { command_id: id } = piece.bars[0].step;
      const el = drawn.bars.get(id) ?? drawn.plot.appendChild(createBar(id));
      drawn.bars.set(id, el);
      fill(el, piece);
      const reached = this.current === null ? first : id === this.current;
      attr(el, "tabindex", reached ? "0" : "-1");
      if (reached) first = false;
    }
    return first;
  }

  /** @param {{left: number, right: number}} view */
  #drawAxis({ left, right }) {
    const perPx = this.axis.length / this.#plotWidth;
    const [from, to] = [Math.max(0, left), Math.min(this.#plotWidth, right)].map((px) => this.axis.instant(px * perPx));
    const { at, step } = axisMarks(this.axis, from, to, MARK_PX * perPx);
    const words = (/** @type {number} */ mark) =>
      step >= 86_400_000 ? day(mark) : step < 60_000 ? clock(mark) : clock(mark).slice(0, 5);
    this.#marks.replaceChildren(...at.map((mark) => positioned(h("li", { text: words(mark) }), this.x(mark))));
    const gaps = this.axis.gaps.filter((gap) => this.x(gap.to) >= left && this.x(gap.from) <= right);
    this.#gaps.replaceChildren(
      ...gaps.map((gap) => {
        const el = positioned(
          h(
            "li",
            { class: "gap", title: `${duration(gap.to - gap.from)} in which nothing ran, cut short` },
            h("span", { text: this.x(gap.to) - this.x(gap.from) < GAP_PX ? "⋯" : shorter(gap.to - gap.from) }),
          ),
          this.x(gap.from),
        );
        el.style.width = `${this.x(gap.to) - this.x(gap.from)}px`;
        return el;
      }),
    );
    style(this.#gaps, "--rows", `${this.#height}px`);
  }

  /** The row of a command. @param {number | null} id */
  rowOf(id) {
    return id === null ? undefined : this.rows.find((row) => row.bars.some((bar) => bar.step.command_id === id));
  }

  /** @param {number} id of a command */
  step(id) {
    return this.#steps.get(id) ?? null;
  }

  /**
   * Makes a command the current one, brings it into sight and, if wanted, to the keyboard.
   * @param {number} id
   * @param {boolean} focus
   */
  select(id, focus) {
    const step = this.#steps.get(id);
    if (!step) return;
    this.current = id;
    this.#reveal(step);
    this.draw();
    const bar = /** @type {HTMLElement | null} */ (focus ? this.#chart.querySelector(`.bar[data-id="${id}"]`) : null);
    bar?.focus({ preventScroll: true });
    this.actions.onSelect(step);
  }

  /** @param {Step} step */
  #reveal(step) {
    const row = this.rowOf(step.command_id);
    const [from, to] = [this.x(step.started_at), this.x(step.ended_at ?? this.#now)];
    const { scrollLeft, clientWidth, scrollTop, clientHeight } = this.#chart;
    const room = clientWidth - this.#names;
    if (to - from < room && (from < scrollLeft || to > scrollLeft + room))
      this.#chart.scrollLeft = Math.max(0, (from + to) / 2 - room / 2);
    else if (to < scrollLeft || from > scrollLeft + room) this.#chart.scrollLeft = Math.max(0, from - 20);
    if (!row || clientHeight <= 0) return;
    if (row.top < scrollTop) this.#chart.scrollTop = row.top;
    else if (row.top + row.height + 40 > scrollTop + clientHeight)
      this.#chart.scrollTop = row.top + row.height + 40 - clientHeight;
  }

  /**
   * Another zoom, with the instant under `at` staying where it is.
   * @param {number} zoom
   * @param {number} [at] px from the chart's left edge
   */
  rescale(zoom, at = this.#names + (this.#chart.clientWidth - this.#names) / 2) {
    const offset = at - this.#names;
    const before = (this.#chart.scrollLeft + offset) / this.#plotWidth;
    this.zoom = Math.min(this.zoomMost, Math.max(1, zoom));
    this.layout();
    this.#chart.scrollLeft = before * this.#plotWidth - offset;
    this.draw();
  }

  /** The instant at the left edge. */
  get left() {
    return this.axis.instant((this.#chart.scrollLeft / this.#plotWidth) * this.axis.length);
  }

  /** @param {number} at ms */
  set left(at) {
    this.#chart.scrollLeft = this.x(at);
  }

  /** Looks further to one side, by a share of what is in sight. @param {number} share */
  pan(share) {
    this.#chart.scrollLeft += share * (this.#chart.clientWidth - this.#names);
  }

  /**
   * The neighbour of the current command.
   * @param {"left" | "right" | "up" | "down" | "first" | "last"} way
   * @returns {number | null}
   */
  neighbour(way) {
    const row = this.rowOf(this.current);
    if (!row) return this.rows[0]?.bars[0]?.step.command_id ?? null;
    const index = row.bars.findIndex((bar) => bar.step.command_id === this.current);
    const along = { left: index - 1, right: index + 1, first: 0, last: row.bars.length - 1 };
    if (way === "up" || way === "down")
      return nearest(this.rows[this.rows.indexOf(row) + (way === "up" ? -1 : 1)], row.bars[index].step.started_at);
    return row.bars[along[way]]?.step.command_id ?? null;
  }
}

/** @param {Row | undefined} row @param {number} at */
function nearest(row, at) {
  if (!row) return null;
  return row.bars.reduce((best, bar) =>
    Math.abs(bar.step.started_at - at) < Math.abs(best.step.started_at - at) ? bar : best,
  ).step.command_id;
}

/** @template {HTMLElement} E @param {E} el @param {number} left px */
function positioned(el, left) {
  el.style.left = `${left}px`;
  return el;
}

/** "2 h", "14 min": for a narrow place. @param {number} ms */
function shorter(ms) {
  const [size, unit] =
    ms < 60_000
      ? [1000, "s"]
      : ms < 3_600_000
        ? [60_000, "min"]
        : ms < 172_800_000
          ? [3_600_000, "h"]
          : [86_400_000, "d"];
  return `${Math.round(ms / Number(size))} ${unit}`;
}
