// @ts-check
/** The panels of usage windows: how much of each was used over time, down to zero at every reset. */
import { clock, day } from "../kit/format.js";
import { boundsOf } from "./period.js";
import { steps } from "./step-chart.js";

/** @typedef {import("../state.js").UsageWindow} UsageWindow */

/** Windows that have a panel; the last reported first. */
const PANELS_MOST = 6;

/**
 * @param {UsageWindow[]} all oldest first
 * @param {import("./period.js").Filter} filter of which the days count
 * @param {number} now
 * @returns {import("./panel-catalog.js").Panel[]}
 */
export function quotaPanels(all, filter, now) {
  const { since, until } = boundsOf(filter, now);
  const history = all.filter(({ at }) => at >= since && at < until);
  /** @type {Map<string, UsageWindow[]>} */
  const windows = new Map();
  for (const row of [...history].reverse()) {
    const name = `${row.account}, ${row.window}`;
    windows.set(name, [row, ...(windows.get(name) ?? [])]);
  }
  return [...windows].slice(0, PANELS_MOST).map(([name, rows]) => panelOf(name, rows, Math.min(now, until)));
}

/** @param {string} name @param {UsageWindow[]} rows @param {number} now */
function panelOf(name, rows, now) {
  const points = rows.flatMap((row, index) => pointsOf(row, rows[index + 1]?.at ?? now));
  const last = points[points.length - 1].value;
  const line = { from: rows[0].at, to: Math.max(now, rows[0].at + 1), before: 0, points, goal: 100, goalText: "all" };
  return {
    id: `quota-${name.replace(/\W+/g, "-")}`,
    title: `Usage window: ${name}`,
    wide: true,
    legend: [],
    note: "Percent that is used, as the agent reported it.",
    table: {
      head: ["When", "Used", "Opens again"],
      names: ["at", "used_fraction", "resets_at"],
      rows: rows.map((row) => ({
        cells: [when(row.at), `${percent(row)} %`, row.resets_at === null ? "not known" : when(row.resets_at)],
        raw: [iso(row.at), row.used_fraction, row.resets_at === null ? "" : iso(row.resets_at)],
      })),
      foot: null,
    },
    draw: (/** @type {number} */ width) =>
      steps(width, line, `${name}: ${last} % is used. The table has every report.`, tellPoint),
  };
}

/** @param {{at: number, value: number}} point */
function tellPoint({ at, value }) {
  return `${when(at)}: ${value} % used`;
}

/** What is used from a report on; nothing from the reset on. @param {UsageWindow} row @param {number} next when it is replaced */
function pointsOf(row, next) {
  const point = { at: row.at, value: percent(row) };
  return row.resets_at !== null && row.resets_at < next ? [point, { at: row.resets_at, value: 0 }] : [point];
}

/** @param {UsageWindow} row */
function percent({ used_fraction: used }) {
  return Math.floor(used * 100 + 1e-6);
}

/** @param {number} at */
function when(at) {
  return `${day(at)} ${clock(at)}`;
}

/** @param {number} at */
function iso(at) {
  return new Date(at).toISOString();
}
