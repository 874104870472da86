// @ts-check
/**
 * Charts as SVG, drawn for a width in pixels: bars, columns over days, rounds. Every axis begins at
 * zero. A chart is one picture for screen readers; the table beside it has the same values.
 */

import { fit, ticks } from "./chart-axis.js";
import { shown } from "./dom.js";
import { visible } from "./visible.js";

/** @typedef {{value: number, tone: string}} Part one piece of a bar; `tone` names its colour and pattern */
/** @typedef {{label: string, words: string, parts: Part[]}} Row */
/** @typedef {{at: number, value: number}} Point */
/**
 * @typedef {{x: number, y: number, width: number, height: number, text: string, first?: string, last?: string}} Mark
 *   a value of a chart: where it is, in px, what it says, and the days that it stands for
 * @typedef {{el: SVGElement, marks: Mark[]}} Chart
 * @typedef {{value: number, text: string}} Cap a limit, drawn as a line
 */

const NS = "http://www.w3.org/2000/svg";
/** Height of a row of bars, of its bar, and of a chart with a vertical axis, in px. */
const [ROW, BAR] = [42, 12];
export const TALL = 220;
/** A cap is drawn where it is at most so many times the largest value: further off, it would flatten the chart. */
const CAP_TIMES = 4;
/** Width of a letter and of the numbers of an axis, in px. */
const GLYPH = 6.9;
export const AXIS = 52;

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [props]
 * @param {...(Node | string)} children
 */
export function svg(tag, props = {}, ...children) {
  const el = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(props))
    el.setAttribute(name, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
  el.append(...shown(children));
  return el;
}

/** @param {number} width @param {number} height @param {string} words @param {...Node} children */
export function picture(width, height, words, ...children) {
  return svg(
    "svg",
    { class: "chart-svg", role: "img", "aria-label": visible(words), width, height, viewBox: `0 0 ${width} ${height}` },
    ...children,
  );
}

/** Where the patterns are that go with the tones; once in the page. */
export function patterns() {
  const line = (/** @type {string} */ d) => svg("path", { d, class: "hatch" });
  const pattern = (/** @type {string} */ id, /** @type {number} */ size, /** @type {Node} */ inner) =>
    svg("pattern", { id: `hatch-${id}`, width: size, height: size, patternUnits: "userSpaceOnUse" }, inner);
  const defs = svg(
    "defs",
    {},
    pattern("slant", 6, line("M-1 1l2-2M0 6l6-6M5 7l2-2")),
    pattern("dots", 5, svg("circle", { cx: 2.5, cy: 2.5, r: 1, class: "hatch-dot" })),
    pattern("upright", 4, line("M1 0v4")),
  );
  return svg("svg", { class: "sprite", width: 0, height: 0, "aria-hidden": "true" }, defs);
}

/** @type {Record<string, string>} */
const HATCH = {
  output: "slant",
  cache_read: "dots",
  cache_write: "upright",
  failed: "slant",
  held: "upright",
  running: "dots",
};

/**
 * A piece of a bar, with its pattern over its colour.
 * @param {Record<string, number>} box
 * @param {string} tone
 * @param {string} title
 */
function piece(box, tone, title) {
  const hint = title ? [svg("title", {}, title)] : [];
  const base = svg("rect", { ...box, class: `part tone-${tone}` }, ...hint);
  return HATCH[tone] ? [base, svg("rect", { ...box, fill: `url(#hatch-${HATCH[tone]})`, class: "over" })] : [base];
}

/** Whether a cap is near enough to be drawn. @param {Cap | null} cap @param {number} most the largest value */
export function isCapNear(cap, most) {
  return cap !== null && most > 0 && cap.value <= most * CAP_TIMES;
}

/**
 * A row for each, its label above its bar. The longest bar is `most`.
 * @param {number} width @param {Row[]} rows @param {number} most @param {string} words @param {Cap | null} [cap]
 * @returns {Chart}
 */
export function bars(width, rows, most, words, cap = null) {
  const near = isCapNear(cap, most) ? cap : null;
  const end = Math.max(most, near?.value ?? 0);
  const height = rows.length * ROW;
  const x = near ? Math.min(width - 1, (near.value / end) * width) : 0;
  // Only beside the bars: it would cross the labels between them.
  const tops = near ? rows.map((_, index) => index * ROW + 18) : [];
  const line = tops.map((top) => svg("line", { x1: x, x2: x, y1: top, y2: top + BAR + 6, class: "chart-cap" }));
  const el = picture(
    width,
    height,
    words,
    ...rows.flatMap((row, index) => barRow(width, row, index * ROW, end)),
    ...line,
  );
  const marks = rows.map((row, index) => ({
    ...{ x: 0, y: index * ROW, width, height: ROW },
    text: `${row.label}: ${row.words}`,
  }));
  return { el, marks };
}

/** @param {number} width @param {Row} row @param {number} top @param {number} most */
function barRow(width, row, top, most) {
  const room = width - row.words.length * GLYPH - 16;
  const label = svg(
    "text",
    { x: 0, y: top + 15, class: "chart-label" },
    fit(row.label, room, GLYPH),
    svg("title", {}, row.label),
  );
  const value = svg("text", { x: width, y: top + 15, class: "chart-value", "text-anchor": "end" }, row.words);
  const ground = svg("rect", { x: 0, y: top + 21, width, height: BAR, rx: 3, class: "chart-ground" });
  let x = 0;
  const parts = row.parts.flatMap(({ value: part, tone }) => {
    const length = most ? Math.max(part > 0 ? 1.5 : 0, (part / most) * width) : 0;
    const box = { x, y: top + 21, width: Math.min(length, width - x), height: BAR };
    x += length;
    return part > 0 ? piece(box, tone, "") : [];
  });
  return [label, value, ground, ...parts];
}

/** @typedef {{label: string, title: string, words: string, parts: Part[], first?: string, last?: string}} Column */

/** @param {Column} column */
const sumOf = ({ parts }) => parts.reduce((all, part) => all + part.value, 0);

/**
 * A column for each day.
 * @param {number} width
 * @param {Column[]} cols
 * @param {(value: number) => string} format of the axis
 * @param {string} words
 * @param {number} [least] smallest step of the axis
 * @param {Cap | null} [cap]
 * @returns {Chart}
 */
export function columns(width, cols, format, words, least = 0, cap = null) {
  const most = Math.max(0, ...cols.map(sumOf));
  const near = isCapNear(cap, most) ? cap : null;
  const frame = frameOf(width, ticks(Math.max(most, near?.value ?? 0), 4, least), format);
  const slot = (width - AXIS) / cols.length;
  const every = Math.ceil(58 / slot);
  const drawn = cols.flatMap((col, index) => {
    const named = (cols.length - 1 - index) % every === 0;
    return column(col, { x: AXIS + slot * index, slot, named }, frame.y);
  });
  const el = picture(width, TALL, words, ...frame.lines, ...drawn, ...capLine(near, width, frame.y));
  const marks = cols.map(({ title, first, last }, index) => ({
    ...{ x: AXIS + slot * index, y: 0, width: slot, height: TALL - 24 },
    ...{ text: title, first, last },
  }));
  return { el, marks };
}

/** @param {Column} col @param {{x: number, slot: number, named: boolean}} place @param {(value: number) => number} scale */
function column(col, { x: left, slot, named }, scale) {
  const size = Math.min(slot * 0.72, 64);
  const x = left + (slot - size) / 2;
  const middle = left + slot / 2;
  let y = scale(0);
  const parts = col.parts
    .filter((part) => part.value > 0)
    .flatMap((part) => {
      const height = Math.max(1.5, scale(0) - scale(part.value));
      y -= height;
      return piece({ x, y, width: size, height }, part.tone, "");
    });
  const text = (/** @type {number} */ at, /** @type {string} */ style, /** @type {string} */ words) =>
    svg("text", { x: middle, y: at, class: style, "text-anchor": "middle" }, words);
  const value = slot >= 52 && sumOf(col) > 0 ? [text(y - 5, "chart-value", col.words)] : [];
  return [...parts, ...value, ...(named ? [text(TALL - 6, "chart-tick", col.label)] : [])];
}

/** @param {Cap | null} cap @param {number} width @param {(value: number) => number} y */
function capLine(cap, width, y) {
  if (!cap) return [];
  const at = y(cap.value);
  return [
    svg("line", { x1: AXIS, x2: width, y1: at, y2: at, class: "chart-cap" }),
    svg("text", { x: width, y: at - 5, class: "chart-cap-text", "text-anchor": "end" }, cap.text),
  ];
}

/**
 * The horizontal lines of a chart and their numbers.
 * @param {number} width
 * @param {number[]} axis
 * @param {(value: number) => string} format
 */
export function frameOf(width, axis, format) {
  const top = axis[axis.length - 1];
  const y = (/** @type {number} */ value) => TALL - 24 - (value / top) * (TALL - 24 - 22);
  const lines = axis.flatMap((mark) => [
    svg("line", { x1: AXIS, x2: width, y1: y(mark), y2: y(mark), class: mark ? "chart-line" : "chart-zero" }),
    svg("text", { x: AXIS - 8, y: y(mark) + 4, class: "chart-tick", "text-anchor": "end" }, format(mark)),
  ]);
  return { y, lines };
}

/**
 * The rounds of review of each story, one block a round with the verdict's letter in it.
 * @param {number} width @param {{label: string, words: string, rounds: {tone: string, letter: string, title:
 *   string}[]}[]} rows @param {string} words
 * @returns {Chart}
 */
export function rounds(width, rows, words) {
  const most = Math.max(1, ...rows.map((row) => row.rounds.length));
  const size = Math.min(40, (width + 3) / most - 3);
  const marks = rows.map((row, index) => ({
    ...{ x: 0, y: index * (ROW + 8), width, height: ROW + 8 },
    text: `${row.label}: ${row.rounds.map((round) => round.title).join(", ")}`,
  }));
  const el = picture(
    width,
    rows.length * (ROW + 8),
    words,
    ...rows.flatMap((row, index) => {
      const top = index * (ROW + 8);
      const room = width - row.words.length * GLYPH - 16;
      return [
        svg(
          "text",
          { x: 0, y: top + 15, class: "chart-label" },
          fit(row.label, room, GLYPH),
          svg("title", {}, row.label),
        ),
        svg("text", { x: width, y: top + 15, class: "chart-value", "text-anchor": "end" }, row.words),
        ...row.rounds.flatMap((round, at) => [
          svg(
            "rect",
            { x: at * (size + 3), y: top + 21, width: size, height: 20, rx: 3, class: `part round tone-${round.tone}` },
            svg("title", {}, round.title),
          ),
          ...(size >= 14
            ? [
                svg(
                  "text",
                  { x: at * (size + 3) + size / 2, y: top + 35, class: "chart-letter", "text-anchor": "middle" },
                  round.letter,
                ),
              ]
            : []),
        ]),
      ];
    }),
  );
  return { el, marks };
}
