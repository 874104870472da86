// @ts-check
/**
 * The Gantt chart of the Timeline: a row for each story, a bar for each command. Only what is visible is in the
 * document; a bar is one button, and the arrow keys go from bar to bar. While a command runs only its bar grows.
 */

import { byId } from "../kit/dom.js";
import { serverNow } from "../kit/server-clock.js";
import { Axis } from "../kit/time-axis.js";
import { GanttAxis } from "./gantt-axis.js";
import { GanttRows, stackRows } from "./gantt-rows.js";
import { nextProblem } from "./outcome.js";

/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {import("./gantt-rows.js").Row} Row */
/**
 * @typedef {{commands: Map<number, Command>, titleOf: (key: string) => string, order: string[],
 *   groups: import("./lanes.js").Groups, cut: boolean, now: number}} Content `order`: keys of the plan, `groups` of
 *   stories, `cut`: whether idle times are cut short
 * @typedef {"left" | "right" | "up" | "down" | "first" | "last"} Direction
 */

/** Bars narrower than this are joined with their neighbours, in px. */
const LEAST = 5;
/** What is drawn beyond the edges of the visible range, in px. */
const SPARE = 300;
/** What is left beside a command that is zoomed to, as a share of its length. */
const MARGIN = 0.15;
/** The widest chart, in px, and the shortest time of one pixel, in ms. */
const [WIDEST, FINEST] = [4_000_000, 1];

export class Gantt {
  /** @type {Content} */
  #content = {
    commands: new Map(),
    titleOf: (key) => key,
    order: [],
    groups: { of: new Map(), names: [] },
    cut: true,
    now: serverNow(),
  };
  /** @type {Row[]} */ #rows = [];
  /** @type {number | null} */ #current = null;
  #axis = new Axis([], serverNow(), true);
  #zoom = 1;
  #chart = byId("chart");
  #body = byId("chart-body");
  #axisView = new GanttAxis();
  #rowsView;
  #actions;
  #frame = 0;
  #namesWidth = 0;

  /** @param {{openStory: (key: string) => void, onSelect: (command: Command) => void, onMove: () => void}} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#rowsView = new GanttRows(actions.openStory);
    this.#chart.addEventListener("scroll", () => this.#drawSoon(), { passive: true });
    new ResizeObserver(() => this.#chart.clientWidth && this.#layout()).observe(this.#chart);
  }

  /** @param {Content} content */
  show(content) {
    this.#content = content;
    this.#rows = stackRows(content.commands.values(), content.order, content.groups.of);
    this.#rowsView.drawGroups(this.#rows, content.groups.names);
    if (this.#current !== null && !content.commands.has(this.#current)) this.#current = null;
    this.#layout();
  }

  /** Lets running bars grow; the axis is laid out again only when they reach its end. @param {number} now */
  tick(now) {
    this.#content = { ...this.#content, now };
    const { commands } = this.#content;
    const running = [...commands.values()].some((command) => command.ended_at === null);
    if (now > this.#axis.to && running) return this.#layout();
    for (const [id, el] of this.#rowsView.bars()) {
      const command = commands.get(id);
      if (command?.ended_at === null) el.style.width = `${Math.max(3, this.#x(now) - this.#x(command.started_at))}px`;
    }
  }

  /** The idle times that are cut short, and the number of stories. */
  get summary() {
    return { gaps: this.#axis.gaps, stories: this.#rows.filter((row) => row.key).length };
  }

  /** The zoom, 1 for the whole range, and the instant at the left edge. */
  get position() {
    const left = (this.#chart.scrollLeft / this.#plotWidth) * this.#axis.length;
    return { zoom: this.#zoom, left: this.#axis.instant(left) };
  }

  /** Restores what the address names. @param {{zoom: number, left: number | null, command: number | null}} position */
  restore({ zoom, left, command }) {
    if (zoom > 1) this.#zoomTo(zoom);
    if (left !== null) this.#chart.scrollLeft = this.#x(left);
    if (command !== null) this.select(command, { focus: false });
  }

  /** Forgets the zoom, for other commands. */
  resetZoom() {
    this.#zoom = 1;
  }

  /** Shows the whole range. */
  fit() {
    this.#zoomTo(1);
  }

  /** @param {number} factor @param {number} [at] px from the chart's left edge; what is there stays there */
  zoomBy(factor, at) {
    this.#zoomTo(this.#zoom * factor, at);
  }

  /** Zooms to a part of what is visible. @param {number} from px from the chart's left edge @param {number} to */
  zoomToPart(from, to) {
    const offset = this.#chart.scrollLeft - this.#namesWidth;
    const edges = [from, to].map((px) => Math.max(this.#chart.scrollLeft, px + offset));
    this.#zoomToPlot(Math.min(...edges), Math.max(...edges));
  }

  /** Zooms to the current command, or to all commands of its story. @param {"command" | "story"} part */
  zoomToCurrent(part) {
    const row = this.#rowOf(this.#current);
    const bars = row?.bars.filter((bar) => part === "story" || bar.command.command_id === this.#current) ?? [];
    if (!bars.length) return;
    const from = Math.min(...bars.map((bar) => this.#x(bar.command.started_at)));
    const to = Math.max(...bars.map((bar) => this.#x(bar.command.ended_at ?? this.#content.now)));
    this.#zoomToPlot(from - (to - from) * MARGIN, to + (to - from) * MARGIN);
  }

  /** Makes a part of the plot fill what is visible. @param {number} from px of the plot @param {number} to */
  #zoomToPlot(from, to) {
    if (to - from < 1) return;
    const middle = (from + to) / 2 / this.#plotWidth;
    this.#zoomTo((this.#zoom * this.#visibleWidth) / (to - from));
    this.#chart.scrollLeft = middle * this.#plotWidth - this.#visibleWidth / 2;
    this.#draw();
  }

  /** The failed or waiting command after the current one, or before it. @param {1 | -1} direction */
  problem(direction) {
    return nextProblem([...this.#content.commands.values()], this.#current, direction);
  }

  /** @param {number} share of the visible range */
  pan(share) {
    this.#chart.scrollLeft += share * (this.#chart.clientWidth - this.#namesWidth);
  }

  /** The command that is selected. */
  get current() {
    return this.#current === null ? null : this.command(this.#current);
  }

  /** @param {number} id */
  command(id) {
    return this.#content.commands.get(id) ?? null;
  }

  /**
   * Selects a command and scrolls to it.
   * @param {number} id
   * @param {{focus: boolean}} options whether its bar gets the focus
   */
  select(id, { focus }) {
    const command = this.command(id);
    if (!command) return;
    this.#current = id;
    this.#scrollTo(command);
    this.#draw();
    const bar = focus ? this.#chart.querySelector(`.bar[data-id="${id}"]`) : null;
    if (bar instanceof HTMLElement) bar.focus({ preventScroll: true });
    this.#actions.onSelect(command);
  }

  /** Forgets the current command. */
  deselect() {
    this.#current = null;
    this.#draw();
  }

  /** Makes a command the current one without selecting it: several share its bar. @param {number} id */
  setCurrent(id) {
    this.#current = id;
  }

  /**
   * The neighbour of the current command.
   * @param {Direction} direction
   * @returns {number | null}
   */
  neighbour(direction) {
    const row = this.#rowOf(this.#current);
    if (!row) return this.#rows[0]?.bars[0]?.command.command_id ?? null;
    const index = row.bars.findIndex((bar) => bar.command.command_id === this.#current);
    if (direction === "up" || direction === "down") {
      const next = this.#rows[this.#rows.indexOf(row) + (direction === "up" ? -1 : 1)];
      return next ? nearest(next, row.bars[index].command.started_at) : null;
    }
    const along = { left: index - 1, right: index + 1, first: 0, last: row.bars.length - 1 };
    return row.bars[along[direction]]?.command.command_id ?? null;
  }

  get #visibleWidth() {
    return Math.max(1, this.#chart.clientWidth - this.#namesWidth);
  }

  get #plotWidth() {
    return this.#visibleWidth * this.#zoom;
  }

  get #height() {
    const last = this.#rows[this.#rows.length - 1];
    return last ? last.top + last.height : 0;
  }

  /** The largest zoom: never wider than an element can be, never finer than times are known. */
  get #zoomMost() {
    const width = this.#visibleWidth;
    return Math.max(1, Math.min(WIDEST / width, this.#axis.length / FINEST / width));
  }

  /** Px from the left edge of the plot. @param {number} at ms */
  #x(at) {
    return (this.#axis.place(at) / this.#axis.length) * this.#plotWidth;
  }

  /** @param {number} zoom @param {number} [at] px from the chart's left edge */
  #zoomTo(zoom, at = this.#namesWidth + (this.#chart.clientWidth - this.#namesWidth) / 2) {
    const offset = at - this.#namesWidth;
    const before = (this.#chart.scrollLeft + offset) / this.#plotWidth;
    this.#zoom = Math.min(this.#zoomMost, Math.max(1, zoom));
    this.#layout();
    this.#chart.scrollLeft = before * this.#plotWidth - offset;
    this.#draw();
  }

  /** Computes axis and sizes, after a change of the commands, the width or the zoom. */
  #layout() {
    const { commands, now, cut } = this.#content;
    this.#axis = new Axis([...commands.values()], now, cut);
    this.#namesWidth = byId("chart-corner").offsetWidth;
    this.#zoom = Math.min(this.#zoom, this.#zoomMost);
    this.#body.style.width = `${this.#namesWidth + this.#plotWidth}px`;
    this.#rowsView.resize(this.#height);
    this.#draw();
  }

  #drawSoon() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { scrollLeft, clientWidth } = this.#chart;
    const view = { left: scrollLeft - SPARE, right: scrollLeft + clientWidth + SPARE, least: LEAST };
    const x = (/** @type {number} */ at) => this.#x(at);
    const { now, titleOf } = this.#content;
    this.#rowsView.draw(this.#visibleRows(), { x, now, view, current: this.#current, titleOf });
    this.#axisView.draw({ axis: this.#axis, width: this.#plotWidth, x }, view, this.#height);
    this.#actions.onMove();
  }

  /** The visible rows, and that of the current command, which may have the focus. */
  #visibleRows() {
    const { scrollTop, clientHeight } = this.#chart;
    const [top, bottom] = [scrollTop - SPARE, scrollTop + clientHeight + SPARE];
    const held = this.#rowOf(this.#current);
    return this.#rows.filter((row) => (row.top + row.height > top && row.top < bottom) || row === held);
  }

  /** @param {number | null} id of a command */
  #rowOf(id) {
    return id === null ? undefined : this.#rows.find((row) => row.bars.some((bar) => bar.command.command_id === id));
  }

  /** @param {Command} command */
  #scrollTo(command) {
    const [from, to] = [this.#x(command.started_at), this.#x(command.ended_at ?? this.#content.now)];
    const chart = this.#chart;
    const { scrollLeft } = chart;
    const width = chart.clientWidth - this.#namesWidth;
    if (to - from < width && (from < scrollLeft || to > scrollLeft + width))
      chart.scrollLeft = Math.max(0, (from + to) / 2 - width / 2);
    else if (to < scrollLeft || from > scrollLeft + width) chart.scrollLeft = Math.max(0, from - 20);
    const row = this.#rowOf(command.command_id);
    if (row) scrollToRow(chart, row);
  }
}

/** @param {HTMLElement} chart @param {Row} row */
function scrollToRow(chart, row) {
  const { scrollTop, clientHeight } = chart;
  if (clientHeight <= 0) return;
  const bottom = row.top + row.height + 40;
  if (row.top < scrollTop) chart.scrollTop = row.top;
  else if (bottom > scrollTop + clientHeight) chart.scrollTop = bottom - clientHeight;
}

/** The command of a row that started nearest to an instant. @param {Row} row @param {number} at */
function nearest(row, at) {
  const distance = (/** @type {import("../kit/time-axis.js").Bar} */ bar) => Math.abs(bar.command.started_at - at);
  return row.bars.reduce((best, bar) => (distance(bar) < distance(best) ? bar : best)).command.command_id;
}
