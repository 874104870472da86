// @ts-check
/**
 * Charts as SVG, drawn for a width in pixels: bars, columns over days, steps over time, rounds. Every axis begins at
 * zero. A chart is one picture for screen readers; the table beside it has the same values.
 */

import { fit, ticks } from "./chart-axis.js";
import { shown } from "./dom.js";
import { clock, day, hourMinute } from "./format.js";
import { marks } from "./time-axis.js";
import { visible } from "./visible.js";

/** @typedef {{value: number, tone: string}} Part one piece of a bar; `tone` names its colour and pattern */
/** @typedef {{label: string, words: string, parts: Part[]}} Row */
/** @typedef {{at: number, value: number}} Point */

const NS = "http://www.w3.org/2000/svg";
/** Height of a row of bars, of its bar, and of a chart with a vertical axis, in px. */
const [ROW, BAR, TALL] = [42, 12, 220];
/** Width of a letter and of the numbers of an axis, in px. */
const [GLYPH, AXIS] = [6.9, 52];
const [MINUTE, DAY] = [60_000, 86_400_000];

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
function picture(width, height, words, ...children) {
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

/**
 * A row for each, its label above its bar. The longest bar is `most`.
 * @param {number} width @param {Row[]} rows @param {number} most @param {string} words
 */
export function bars(width, rows, most, words) {
  return picture(
    width,
    rows.length * ROW,
    words,
    ...rows.flatMap((row, index) => barRow(width, row, index * ROW, most)),
  );
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

/**
 * A column for each day.
 * @param {number} width
 * @param {{label: string, title: string, words: string, parts: Part[]}[]} cols
 * @param {(value: number) => string} format of the axis
 * @param {string} words
 * @param {number} [least] smallest step of the axis
 */
export function columns(width, cols, format, words, least = 0) {
  const sum = (/** @type {Part[]} */ parts) => parts.reduce((all, part) => all + part.value, 0);
  const axis = ticks(Math.max(0, ...cols.map((col) => sum(col.parts))), 4, least);
  const frame = frameOf(width, axis, format);
  const slot = (width - AXIS) / cols.length;
  const size = Math.min(slot * 0.72, 64);
  const every = Math.ceil(58 / slot);
  const drawn = cols.flatMap((col, index) => {
    const x = AXIS + slot * index + (slot - size) / 2;
    let y = frame.y(0);
    const parts = col.parts
      .filter((part) => part.value > 0)
      .flatMap((part) => {
        const height = Math.max(1.5, frame.y(0) - frame.y(part.value));
        y -= height;
        return piece({ x, y, width: size, height }, part.tone, col.title);
      });
    const middle = x + size / 2;
    const value =
      slot >= 52 && sum(col.parts) > 0
        ? [svg("text", { x: middle, y: y - 5, class: "chart-value", "text-anchor": "middle" }, col.words)]
        : [];
    const named = (cols.length - 1 - index) % every === 0;
    return [
      ...parts,
      ...value,
      ...(named
        ? [svg("text", { x: middle, y: TALL - 6, class: "chart-tick", "text-anchor": "middle" }, col.label)]
        : []),
    ];
  });
  return picture(width, TALL, words, ...frame.lines, ...drawn);
}

/**
 * The horizontal lines of a chart and their numbers.
 * @param {number} width
 * @param {number[]} axis
 * @param {(value: number) => string} format
 */
function frameOf(width, axis, format) {
  const top = axis[axis.length - 1];
  const y = (/** @type {number} */ value) => TALL - 24 - (value / top) * (TALL - 24 - 22);
  const lines = axis.flatMap((mark) => [
    svg("line", { x1: AXIS, x2: width, y1: y(mark), y2: y(mark), class: mark ? "chart-line" : "chart-zero" }),
    svg("text", { x: AXIS - 8, y: y(mark) + 4, class: "chart-tick", "text-anchor": "end" }, format(mark)),
  ]);
  return { y, lines };
}

/**
 * A count that changes in steps over time, up to a goal.
 * @param {number} width
 * @param {{from: number, to: number, before: number, points: Point[], goal: number, goalText: string}} line times in
 *   ms
 * @param {string} words
 */
export function steps(width, line, words) {
  const highest = Math.max(line.before, line.goal, ...line.points.map((point) => point.value));
  const frame = frameOf(width, ticks(highest, 5, 1), String);
  const room = width - AXIS - 10;
  const x = (/** @type {number} */ at) => AXIS + ((at - line.from) / Math.max(1, line.to - line.from)) * room;
  let path = `M${AXIS} ${frame.y(line.before).toFixed(1)}`;
  for (const point of line.points) path += `H${x(point.at).toFixed(1)}V${frame.y(point.value).toFixed(1)}`;
  path += `H${x(line.to).toFixed(1)}`;
  const area = svg("path", { d: `${path}V${frame.y(0).toFixed(1)}H${AXIS}Z`, class: "chart-area" });
  const { at: times, step } = marks(line.from, line.to, Math.max(2, Math.floor(room / 120)));
  const named = times.map((at) =>
    svg(
      "text",
      { x: Math.min(x(at), width - 40), y: TALL - 6, class: "chart-tick", "text-anchor": "middle" },
      step < MINUTE ? clock(at) : step < DAY ? hourMinute(at) : day(at),
    ),
  );
  const goal = line.goal
    ? [
        svg("line", { x1: AXIS, x2: width, y1: frame.y(line.goal), y2: frame.y(line.goal), class: "chart-goal" }),
        svg("text", { x: width, y: frame.y(line.goal) - 6, class: "chart-tick", "text-anchor": "end" }, line.goalText),
      ]
    : [];
  return picture(
    width,
    TALL,
    words,
    ...frame.lines,
    area,
    svg("path", { d: path, class: "chart-step" }),
    ...goal,
    ...named,
  );
}

/**
 * The rounds of review of each story, one block a round with the verdict's letter in it.
 * @param {number} width @param {{label: string, words: string, rounds: {tone: string, letter: string, title:
 *   string}[]}[]} rows @param {string} words
 */
export function rounds(width, rows, words) {
  const most = Math.max(1, ...rows.map((row) => row.rounds.length));
  const size = Math.min(40, (width + 3) / most - 3);
  return picture(
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
}
