// @ts-check
/** The chart of a measure over days, in groups of days where a column each has no space. */
import { dateOf, days } from "../kit/chart-axis.js";
import { columns } from "../kit/charts.js";
import { formatLine, partsOf } from "./measures.js";
import { groupDays, periodOf } from "./period.js";

/** @typedef {import("./measures.js").Line} Line */
/** @typedef {import("./measures.js").Measure} Measure */
/** @typedef {import("./panel-catalog.js").Context} Context */
/** @typedef {import("../kit/charts.js").Cap} Cap */

/** Least width of a day's column, in px. */
const DAY_PX = 9;

/**
 * Every day has its place, also one without work; weeks or more where not all days fit.
 * @param {number} width
 * @param {Line[]} lines
 * @param {Context} context
 * @param {{title: string, cap: Cap | null}} panel
 */
export function drawDays(width, lines, context, { title, cap }) {
  const byName = new Map(lines.map((line) => [line.name, line]));
  const most = Math.max(1, Math.floor((width - 52) / DAY_PX));
  const groups = groupDays(daysOf(lines, context), most);
  const cols = groups.map((group) => dayColumn(group, byName, context.measure));
  const range = `${cols[0].label} to ${cols[cols.length - 1].label}`;
  const { format, least } = context.measure;
  // The cap is of one day.
  return columns(
    width,
    cols,
    format,
    `${title}, ${range}`,
    least,
    groups.every((group) => group.length === 1) ? cap : null,
  );
}

/** The days from the first to the last, or those of the filter. @param {Line[]} lines @param {Context} context */
function daysOf(lines, { filter, now }) {
  const [first, last] = [lines[0].name, lines[lines.length - 1].name];
  const [from, to] = periodOf(filter, now);
  const today = dateOf(now);
  const [start] = [from ?? first, first].sort();
  // Days that are still to come have no place.
  const [end] = [to ?? last, today].sort();
  return days(start, [end, last].sort()[1]);
}

/** @param {string[]} group of days @param {Map<string, Line>} byName @param {Measure} measure @returns {import("../kit/charts.js").Column} */
function dayColumn(group, byName, measure) {
  const line = sumOfLines(group.flatMap((name) => byName.get(name) ?? []));
  const words = line ? formatLine(measure, line) : "";
  const [label, end] = [group[0], group[group.length - 1]].map(dayText);
  const range = group.length === 1 ? label : `${label} to ${end}`;
  const parts = line ? partsOf(line, measure) : [];
  return {
    label,
    words,
    title: `${range}: ${words || "nothing"}`,
    parts,
    first: group[0],
    last: group[group.length - 1],
  };
}

/** @param {string} name "2026-03-01" */
function dayText(name) {
  return new Date(`${name}T12:00:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** @param {Line[]} lines @returns {Line | null} */
function sumOfLines(lines) {
  return lines.reduce((/** @type {Line | null} */ sum, line) => (sum ? addLine(sum, line) : line), null);
}

/** @param {Line} sum @param {Line} line @returns {Line} */
function addLine(sum, line) {
  const fields = Object.entries(sum).map(([name, value]) => {
    const other = line[/** @type {keyof Line} */ (name)];
    return [name, typeof value === "number" ? value + Number(other) : value];
  });
  return /** @type {Line} */ (Object.fromEntries(fields));
}
