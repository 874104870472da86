// @ts-check
/** The rows of the Gantt chart: one for each story, with its visible bars. Only visible rows are in the document. */
import { attr, byId, fill, h, text } from "../kit/dom.js";
import { shortKey } from "../kit/format.js";
import { pieces, rowsOf } from "../kit/time-axis.js";
import { createBar, ROW_PADDING, SLOT_PX, updateBar } from "./gantt-bar.js";

/** Height of the heading of a group, in px. */
const HEADING_PX = 28;

/** @typedef {import("../kit/time-axis.js").Row & {top: number, height: number, group: number}} Row
 *   `top` and `height` in px, `group` 0 for none */
/**
 * @typedef {{el: HTMLElement, title: HTMLElement, key: HTMLElement, plot: HTMLElement, bars: Map<number, HTMLElement>}}
 *   Drawn
 * @typedef {{x: (at: number) => number, now: number, view: import("../kit/time-axis.js").View,
 *   current: number | null, titleOf: (key: string) => string}} Drawing what all rows of one drawing share
 */

/**
 * The rows of these commands from top to bottom, by group and in the order of the plan.
 * @param {Iterable<import("../shell/command-list.js").Command>} commands
 * @param {string[]} order keys of the plan
 * @param {ReadonlyMap<string, number>} groups of stories, empty for none
 * @returns {Row[]}
 */
export function stackRows(commands, order, groups) {
  const index = new Map(order.map((key, at) => [key, at]));
  const groupOf = (/** @type {{key: string}} */ { key }) => groups.get(key) ?? 0;
  const rank = (/** @type {{key: string}} */ { key }) => (key === "" ? -1 : (index.get(key) ?? Infinity));
  const sorted = rowsOf(commands).sort(
    (a, b) => groupOf(a) - groupOf(b) || (rank(a) === rank(b) ? 0 : rank(a) - rank(b)),
  );
  let [top, last] = [0, 0];
  return sorted.map((row) => {
    const group = groupOf(row);
    const height = row.slots * SLOT_PX + ROW_PADDING;
    top += height + (group === last ? 0 : HEADING_PX);
    last = group;
    return { ...row, group, top: top - height, height };
  });
}

export class GanttRows {
  #root = byId("chart-rows");
  /** @type {Map<string, Drawn>} */ #drawn = new Map();
  /** The headings in the document. */
  #groups = "";
  #openStory;

  /** @param {(key: string) => void} openStory */
  constructor(openStory) {
    this.#openStory = openStory;
  }

  /** @param {number} height px of all rows */
  resize(height) {
    this.#root.style.height = `${height}px`;
  }

  /** Every bar in the document, with the id of its first command. @returns {Iterable<[number, HTMLElement]>} */
  *bars() {
    for (const { bars } of this.#drawn.values()) yield* bars;
  }

  /** Draws the headings of the groups. @param {Row[]} rows all of them @param {readonly string[]} names of the groups */
  drawGroups(rows, names) {
    const first = rows.filter((row, at) => row.group && row.group !== rows[at - 1]?.group);
    const content = first.map((row) => `${names[row.group - 1]} ${row.top}`).join();
    if (content === this.#groups) return;
    this.#groups = content;
    const headings = first.map(({ group, top }) => {
      const el = h("p", { class: "lane-name" }, h("span", { text: names[group - 1] }));
      el.style.top = `${top - HEADING_PX}px`;
      return el;
    });
    fill(byId("chart-lanes"), ...headings);
  }

  /** @param {Row[]} visible @param {Drawing} drawing */
  draw(visible, drawing) {
    this.#removeOthers(visible);
    let tabStop = drawing.current === null;
    for (const row of visible) {
      const drawn = this.#drawn.get(row.key) ?? this.#create(row.key);
      this.#drawn.set(row.key, drawn);
      placeRow(drawn, row, drawing.titleOf);
      tabStop = drawBars(drawn, row, drawing, tabStop);
    }
    this.#order(visible);
  }

  /** @param {Row[]} visible */
  #removeOthers(visible) {
    const keys = new Set(visible.map((row) => row.key));
    for (const [key, { el }] of this.#drawn) {
      if (keys.has(key)) continue;
      el.remove();
      this.#drawn.delete(key);
    }
  }

  /** @param {Row[]} visible */
  #order(visible) {
    for (const [index, row] of visible.entries()) {
      const el = this.#drawn.get(row.key)?.el;
      const there = this.#root.children[index];
      if (el && there !== el) this.#root.insertBefore(el, there ?? null);
    }
  }

  /** @param {string} key @returns {Drawn} */
  #create(key) {
    const title = h("span", { class: "title", dir: "auto" });
    const short = h("span", { class: "key" });
    const on = { click: () => key && this.#openStory(key) };
    const button = key ? { type: "button", tabindex: "-1" } : {};
    const name = h(key ? "button" : "span", { class: "row-name", ...button, on }, short, title);
    const plot = h("div", { class: "row-plot" });
    return { el: h("li", { class: "row" }, name, plot), title, key: short, plot, bars: new Map() };
  }
}

/** @param {Drawn} drawn @param {Row} row @param {(key: string) => string} titleOf */
function placeRow(drawn, row, titleOf) {
  drawn.el.style.top = `${row.top}px`;
  drawn.el.style.height = `${row.height}px`;
  const title = row.key ? titleOf(row.key) : "The project itself";
  text(drawn.key, title === row.key ? "" : shortKey(row.key));
  text(drawn.title, title);
}

/**
 * Draws the bars of a row. One bar of the chart is in the tab order: the current one, or the first that is drawn.
 * @param {Drawn} drawn
 * @param {Row} row
 * @param {Drawing} drawing
 * @param {boolean} tabStop whether the first bar gets it
 * @returns {boolean} whether the first bar of the next row gets it
 */
function drawBars(drawn, row, { x, now, view, current }, tabStop) {
  const wanted = pieces(row, x, now, view, current);
  removeBars(drawn, new Set(wanted.map((piece) => piece.bars[0].command.command_id)));
  for (const piece of wanted) {
    const { command_id: id } = piece.bars[0].command;
    const el = drawn.bars.get(id) ?? drawn.plot.appendChild(createBar(id));
    drawn.bars.set(id, el);
    updateBar(
      el,
      piece,
      piece.bars.some((bar) => bar.command.command_id === current),
    );
    attr(el, "tabindex", tabStop || id === current ? "0" : "-1");
    tabStop = false;
  }
  return tabStop;
}

/** @param {Drawn} drawn @param {Set<number>} kept ids */
function removeBars(drawn, kept) {
  for (const [id, el] of drawn.bars) {
    if (kept.has(id)) continue;
    el.remove();
    drawn.bars.delete(id);
  }
}
