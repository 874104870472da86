// @ts-check
/** Which panels the Insights tab has, and what each one draws: data made ready for the charts. */

import { bars, isCapNear, rounds } from "../kit/charts.js";
import { clock, day, money, plural, shortClock } from "../kit/format.js";
import { drawDays } from "./day-chart.js";
import {
  formatLine,
  GROUPS,
  groupTable,
  MEASURES,
  nameOf,
  partsOf,
  percent,
  roundsOf,
  roundsTable,
  sorted,
  success,
  successTable,
} from "./measures.js";
import { periodOf } from "./period.js";
import { steps } from "./step-chart.js";

/** @typedef {import("./measures.js").Insights} Insights */
/** @typedef {import("./measures.js").Line} Line */
/** @typedef {import("./measures.js").Measure} Measure */
/**
 * @typedef {import("./period.js").Filter} Filter
 * @typedef {import("../kit/charts.js").Cap} Cap
 * @typedef {{measure: Measure, titleOf: (key: string) => string, goal: number, done: number, now: number,
 *   filter: Filter, budgets: Insights["budgets"]}} Context
 * @typedef {{id: string, title: string, note: string, wide: boolean, table: import("./measures.js").Table,
 *   legend: [tone: string, words: string][], draw: (width: number) => import("../kit/charts.js").Chart,
 *   open?: boolean}} Panel
 */

const PLAN_NOTE = "The dashed line is the plan as it is today; how large it was earlier is not recorded.";
/** Rows drawn in a chart; the table has them all. */
const ROWS_MOST = 12;

/** @param {Insights} insights @param {Context} context @returns {Panel[]} */
export function panelsOf(insights, context) {
  const grouped = GROUPS.map(([field, group, words]) =>
    groupPanel(group, words, insights[field], insights.total[0], context),
  );
  const [byDay, ...others] = grouped;
  const rates = [
    ratePanel("command", "Command", insights.by_command, context),
    ratePanel("agent", "Agent", insights.by_agent, context),
  ];
  return [
    byDay,
    burnPanel(insights.burn_up, context),
    ...others,
    ...rates,
    roundsPanel(insights.review_rounds, context),
  ].filter((panel) => panel.table.rows.length > 0);
}

/** The notes of groups that need one. @type {Record<string, string>} */
const NOTES = {
  story: "A command that works for two stories is booked to the first of them.",
  command: "All rounds and attempts of a command together.",
};

/**
 * @param {string} group
 * @param {string} words
 * @param {Line[]} lines
 * @param {Line | undefined} total
 * @param {Context} context
 * @returns {Panel}
 */
function groupPanel(group, words, lines, total, context) {
  const { measure, titleOf } = context;
  const title = `${measure.words} by ${words.toLowerCase()}`;
  const ordered = sorted(group, lines, measure);
  const cap = capOf(group, context);
  const shown = group === "batch" ? ordered.slice(-ROWS_MOST).reverse() : ordered.slice(0, ROWS_MOST);
  return {
    id: group,
    title,
    wide: group === "day",
    table: groupTable(words, group, lines, total, titleOf),
    note: [cutNote(group, shown.length, ordered.length), NOTES[group], capNote(cap, ordered, measure)]
      .filter(Boolean)
      .join(" "),
    legend: legendOf(measure, lines),
    draw: (width) =>
      group === "day"
        ? drawDays(width, ordered, context, { title, cap })
        : drawGroup(width, { group, shown, ordered, title, cap }, context),
  };
}

/** The cap of the groups of a chart of cost. @param {string} group @param {Context} context @returns {Cap | null} */
function capOf(group, { measure, budgets }) {
  if (measure !== MEASURES.cost || (group !== "day" && group !== "story" && group !== "batch")) return null;
  const value = budgets[group];
  return value === null ? null : { value, text: `cap of a ${group}: ${money(value)}` };
}

/** @param {Cap | null} cap @param {Line[]} lines @param {Measure} measure */
function capNote(cap, lines, measure) {
  if (!cap) return "";
  const isNear = isCapNear(cap, Math.max(0, ...lines.map(measure.of)));
  return isNear ? `The dashed line is the ${cap.text}.` : `The ${cap.text} is far above all of them.`;
}

/** @param {string} group @param {number} shown @param {number} all */
function cutNote(group, shown, all) {
  if (group === "day" || all <= shown) return "";
  return `${group === "batch" ? "The newest" : "The first"} ${shown} of ${all}; the table has all.`;
}

/** @param {Measure} measure @param {Line[]} lines @returns {Panel["legend"]} */
function legendOf({ parts }, lines) {
  if (parts.length === 1) return [];
  return parts.filter(([field]) => lines.some((line) => line[field])).map(([, tone, name]) => [tone, name]);
}

/**
 * @param {number} width
 * @param {{group: string, shown: Line[], ordered: Line[], title: string, cap: Cap | null}} panel
 * @param {Context} context
 */
function drawGroup(width, { group, shown, ordered, title, cap }, context) {
  const { measure, titleOf } = context;
  const first = shown.slice(0, 3).map((line) => `${nameOf(group, line.name, titleOf)} ${formatLine(measure, line)}`);
  const rows = shown.map((line) => rowOf(group, line, context));
  const most = Math.max(0, ...ordered.map(measure.of));
  return bars(width, rows, most, `${title}: ${first.join(", ")}. The table has every number.`, cap);
}

/** @param {string} group @param {Line} line @param {Context} context */
function rowOf(group, line, { measure, titleOf }) {
  return {
    label: nameOf(group, line.name, titleOf),
    words: formatLine(measure, line),
    parts: partsOf(line, measure),
  };
}

/** @param {string} group @param {string} words @param {Line[]} lines @param {Context} context @returns {Panel} */
function ratePanel(group, words, lines, { titleOf }) {
  const title = `Success by ${words.toLowerCase()}`;
  const ended = lines
    .filter((line) => success(line) !== null)
    .sort((a, b) => (success(a) ?? 0) - (success(b) ?? 0))
    .slice(0, ROWS_MOST);
  const rows = ended.map((line) => ({
    label: nameOf(group, line.name, titleOf),
    words: `${percent(success(line))} · ${line.succeeded} of ${line.succeeded + line.failed}`,
    parts: [{ value: success(line) ?? 0, tone: "succeeded" }],
  }));
  return {
    id: `success-${group}`,
    title,
    wide: false,
    table: successTable(words, group, lines, titleOf),
    legend: [],
    note: "Of the commands that ended by themselves; stopped and waiting ones count neither way.",
    draw: (width) => bars(width, rows, 1, `${title}. The table has every number.`),
  };
}

/** @param {Insights["review_rounds"]} reviews @param {Context} context @returns {Panel} */
function roundsPanel(reviews, { titleOf }) {
  const rows = [...reviews]
    .sort((a, b) => b.rounds - a.rounds)
    .slice(0, ROWS_MOST)
    .map((line) => ({
      label: nameOf("story", line.story_key, titleOf),
      words: plural(line.rounds, "round"),
      rounds: roundsOf(line.verdicts),
    }));
  return {
    id: "reviews",
    title: "Code review rounds",
    wide: false,
    table: roundsTable(reviews, titleOf),
    legend: [],
    note: "One block a round: C critical, H high, M medium, L low, ✓ no issues.",
    draw: (width) => rounds(width, rows, "Code review rounds of each story. The table has every verdict."),
  };
}

/** @param {Insights["burn_up"]} burnUp @param {Context} context @returns {Panel} */
function burnPanel(burnUp, context) {
  const { goal, done } = context;
  // Stories that were done before the first record, or by hand.
  const earlier = Math.max(0, done - burnUp.now);
  const points = burnUp.points.map((point) => ({ at: point.at, value: point.done + earlier }));
  const last = points[points.length - 1]?.value ?? done;
  const range = burnRange(points, context);
  const line = { ...range, before: burnUp.before + earlier, points, goal, goalText: `${goal} in the plan` };
  const outside = `${plural(earlier, "story", "stories")} done before the record begins or outside of it. `;
  return {
    id: "burn-up",
    title: "Stories done",
    wide: true,
    legend: [],
    note: `${earlier ? outside : ""}${PLAN_NOTE}`,
    table: burnTable(burnUp, earlier, context.titleOf),
    draw: (width) => steps(width, line, `Stories done over time: ${last} of ${goal}`, tellDone),
  };
}

/** @param {import("../kit/charts.js").Point} point */
function tellDone({ at, value }) {
  return `${day(at)} ${shortClock(at)}: ${plural(value, "story", "stories")} done`;
}

/** The range of the burn-up's axis, in epoch ms. @param {{at: number}[]} points @param {Context} context */
function burnRange(points, { filter, now }) {
  const [first, last] = periodOf(filter, now);
  const from = first ? Date.parse(`${first}T00:00:00`) : (points[0]?.at ?? now);
  const end = last ? Math.min(now, Date.parse(`${last}T23:59:59`)) : now;
  const to = Math.max(from + 1, filter.batch ? (points[points.length - 1]?.at ?? end) : end);
  const margin = (to - from) * 0.03 + 500;
  return { from: first ? from : from - margin, to: to + (filter.batch ? margin : 0) };
}

/** @param {Insights["burn_up"]} burnUp @param {number} earlier @param {Context["titleOf"]} titleOf */
function burnTable({ points }, earlier, titleOf) {
  const rows = points.map(({ at, story_key: key, done }) => ({
    cells: [`${day(at)} ${clock(at)}`, nameOf("story", key, titleOf), `${done + earlier}`],
    raw: [new Date(at).toISOString(), key, done + earlier],
  }));
  return { head: ["When", "Story", "Stories done"], names: ["at", "story", "stories_done"], rows, foot: null };
}
