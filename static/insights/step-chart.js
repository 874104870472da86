// @ts-check
/** A chart of a count that changes in steps over time. */
import { dateOf, ticks } from "../kit/chart-axis.js";
import { AXIS, frameOf, picture, svg, TALL } from "../kit/charts.js";
import { clock, day, hourMinute } from "../kit/format.js";
import { marks as axisMarks } from "../kit/time-axis.js";

/** @typedef {import("../kit/charts.js").Chart} Chart */
/** @typedef {import("../kit/charts.js").Point} Point */

const [MINUTE, DAY] = [60_000, 86_400_000];

/**
 * A count that changes in steps over time, up to a goal.
 * @param {number} width
 * @param {{from: number, to: number, before: number, points: Point[], goal: number, goalText: string}} line times in
 *   ms
 * @param {string} words
 * @param {(point: Point) => string} tell what a point says
 * @returns {Chart}
 */
export function steps(width, line, words, tell) {
  const highest = Math.max(line.before, line.goal, ...line.points.map((point) => point.value));
  const frame = frameOf(width, ticks(highest, 5, 1), String);
  const room = width - AXIS - 10;
  const x = (/** @type {number} */ at) => AXIS + ((at - line.from) / Math.max(1, line.to - line.from)) * room;
  let path = `M${AXIS} ${frame.y(line.before).toFixed(1)}`;
  for (const point of line.points) path += `H${x(point.at).toFixed(1)}V${frame.y(point.value).toFixed(1)}`;
  path += `H${x(line.to).toFixed(1)}`;
  const area = svg("path", { d: `${path}V${frame.y(0).toFixed(1)}H${AXIS}Z`, class: "chart-area" });
  const { at: times, step } = axisMarks(line.from, line.to, Math.max(2, Math.floor(room / 120)));
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
  const drawn = svg("path", { d: path, class: "chart-step" });
  const el = picture(width, TALL, words, ...frame.lines, area, drawn, ...goal, ...named);
  const marks = line.points.map((point, index) => {
    const [left, right] = [x(point.at), x(line.points[index + 1]?.at ?? line.to)];
    const place = { x: left, y: 0, width: Math.max(1, right - left), height: TALL - 24 };
    return { ...place, text: tell(point), first: dateOf(point.at), last: dateOf(point.at) };
  });
  return { el, marks };
}
