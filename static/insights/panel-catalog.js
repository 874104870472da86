// @ts-check
/** Which panels the Insights tab has, and what each one draws: data made ready for the charts. */

import { dateOf, days } from "../kit/chart-axis.js";
import { bars, columns, rounds, steps } from "../kit/charts.js";
import { clock, day, plural } from "../kit/format.js";
import {
  GROUPS,
  ledgerTable,
  nameOf,
  percent,
  roundsOf,
  roundsTable,
  sorted,
  success,
  successTable,
  told,
} from "./ledger.js";

/** @typedef {import("./ledger.js").Insights} Insights */
/** @typedef {import("./ledger.js").Line} Line */
/** @typedef {import("./ledger.js").Measure} Measure */
/**
 * @typedef {{measure: Measure, titleOf: (key: string) => string, goal: number, done: number, now: number,
 *   filter: {batch: number | null, days: number | null}}} Context
 * @typedef {{id: string, title: string, note: string, wide: boolean, table: import("./ledger.js").Table,
 *   legend: [tone: string, words: string][], draw: (width: number) => Element | null, open?: boolean}} Panel
 */

/** Rows drawn in a chart; the table has them all. */
const ROWS_MOST = 12;
/** Least width of a day's column, in px. */
const DAY_PX = 9;

/** @param {Insights} insights @param {Context} context @returns {Panel[]} */
export function panelsOf(insights, context) {
  const ledger = GROUPS.map(([field, group, words]) =>
    ledgerPanel(group, words, insights[field], insights.total[0], context),
  );
  const [byDay, ...others] = ledger;
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

/**
 * @param {string} group
 * @param {string} words
 * @param {Line[]} lines
 * @param {Line | undefined} total
 * @param {Context} context
 * @returns {Panel}
 */
function ledgerPanel(group, words, lines, total, context) {
  const { measure, titleOf } = context;
  const title = `${measure.words} by ${words.toLowerCase()}`;
  const ordered = sorted(group, lines, measure);
  const notes = {
    story: "A command that works for two stories is booked to the first of them.",
    batch: "",
    day: "",
    command: "All rounds and attempts of a command together.",
    model: "",
    agent: "",
    epic: "",
  };
  const cut = group === "batch" ? ordered.slice(-ROWS_MOST).reverse() : ordered.slice(0, ROWS_MOST);
  const rest =
    group !== "day" && ordered.length > cut.length
      ? `${group === "batch" ? "The newest" : "The first"} ${cut.length} of ${ordered.length}; the table has all.`
      : "";
  return {
    id: group,
    title,
    wide: group === "day",
    table: ledgerTable(words, group, lines, total, titleOf),
    note: [rest, notes[/** @type {"story"} */ (group)]].filter(Boolean).join(" "),
    legend:
      measure.parts.length > 1
        ? measure.parts.filter(([field]) => lines.some((line) => line[field])).map(([, tone, name]) => [tone, name])
        : [],
    draw: (width) =>
      group === "day"
        ? drawDays(width, ordered, context, title)
        : bars(
            width,
            cut.map((line) => rowOf(group, line, context)),
            Math.max(0, ...ordered.map(measure.of)),
            `${title}: ${cut
              .slice(0, 3)
              .map((line) => `${nameOf(group, line.name, titleOf)} ${told(measure, line)}`)
              .join(", ")}. The table has every number.`,
          ),
  };
}

/** @param {string} group @param {Line} line @param {Context} context */
function rowOf(group, line, { measure, titleOf }) {
  return {
    label: nameOf(group, line.name, titleOf),
    words: told(measure, line),
    parts: measure.parts.map(([field, tone]) => ({ value: Number(line[field]), tone })),
  };
}

/**
 * Every day has its place, also one without work; the newest ones where not all fit.
 * @param {number} width
 * @param {Line[]} lines
 * @param {Context} context
 * @param {string} title
 */
function drawDays(width, lines, { measure, filter, now }, title) {
  const byName = new Map(lines.map((line) => [line.name, line]));
  const today = dateOf(now);
  const last = filter.days && lines[lines.length - 1].name < today ? today : lines[lines.length - 1].name;
  const first = filter.days ? dateOf(now - (filter.days - 1) * 86_400_000) : lines[0].name;
  const all = days(first < lines[0].name ? first : lines[0].name, last).slice(
    -Math.max(1, Math.floor((width - 52) / DAY_PX)),
  );
  const cols = all.map((name) => {
    const line = byName.get(name);
    const words = line ? told(measure, line) : "";
    const label = new Date(`${name}T12:00:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return {
      label,
      words,
      title: `${label}: ${words || "nothing"}`,
      parts: line ? measure.parts.map(([field, tone]) => ({ value: Number(line[field]), tone })) : [],
    };
  });
  return columns(
    width,
    cols,
    measure.format,
    `${title}, ${cols[0].label} to ${cols[cols.length - 1].label}`,
    measure.least,
  );
}

/** @param {string} group @param {string} words @param {Line[]} lines @param {Context} context @returns {Panel} */
function ratePanel(group, words, lines, { titleOf }) {
  const title = `Success by ${words.toLowerCase()}`;
  const ended = lines
    .filter((line) => success(line) !== null)
    .sort((a, b) => (success(a) ?? 0) - (success(b) ?? 0))
    .slice(0, ROWS_MOST);
  return {
    id: `success-${group}`,
    title,
    wide: false,
    table: successTable(words, group, lines, titleOf),
    legend: [],
    note: "Of the commands that ended by themselves; stopped and waiting ones count neither way.",
    draw: (width) =>
      bars(
        width,
        ended.map((line) => ({
          label: nameOf(group, line.name, titleOf),
          words: `${percent(success(line))} · ${line.succeeded} of ${line.succeeded + line.failed}`,
          parts: [{ value: success(line) ?? 0, tone: "succeeded" }],
        })),
        1,
        `${title}. The table has every number.`,
      ),
  };
}

/** @param {Insights["review_rounds"]} reviews @param {Context} context @returns {Panel} */
function roundsPanel(reviews, { titleOf }) {
  const ordered = [...reviews].sort((a, b) => b.rounds - a.rounds).slice(0, ROWS_MOST);
  return {
    id: "reviews",
    title: "Code review rounds",
    wide: false,
    table: roundsTable(reviews, titleOf),
    legend: [],
    note: "One block a round: C critical, H high, M medium, L low, ✓ no issues.",
    draw: (width) =>
      rounds(
        width,
        ordered.map((line) => ({
          label: nameOf("story", line.story_key, titleOf),
          words: plural(line.rounds, "round"),
          rounds: roundsOf(line.verdicts),
        })),
        "Code review rounds of each story. The table has every verdict.",
      ),
  };
}

/** @param {Insights["burn_up"]} burnUp @param {Context} context @returns {Panel} */
function burnPanel(burnUp, { goal, done, filter, now, titleOf }) {
  const earlier = Math.max(0, done - burnUp.now);
  const points = burnUp.points.map((point) => ({ at: point.at, value: point.done + earlier }));
  const last = points[points.length - 1]?.at ?? now;
  const from = filter.days
    ? Date.parse(`${dateOf(now - (filter.days - 1) * 86_400_000)}T00:00:00`)
    : (points[0]?.at ?? now);
  const to = filter.batch ? last : now;
  const lead = (to - from) * 0.03 + 500;
  const rows = burnUp.points.map((point, index) => ({
    cells: [`${day(point.at)} ${clock(point.at)}`, nameOf("story", point.story_key, titleOf), `${points[index].value}`],
    raw: [new Date(point.at).toISOString(), point.story_key, points[index].value],
  }));
  return {
    id: "burn-up",
    title: "Stories done",
    wide: true,
    legend: [],
    note: [
      earlier ? `${plural(earlier, "story", "stories")} done before the record begins or outside of it.` : "",
      "The dashed line is the plan as it is today; how large it was earlier is not recorded.",
    ]
      .filter(Boolean)
      .join(" "),
    table: { head: ["When", "Story", "Stories done"], names: ["at", "story", "stories_done"], rows, foot: null },
    draw: (width) =>
      steps(
        width,
        {
          from: filter.days ? from : from - lead,
          to: to + (filter.batch ? lead : 0),
          before: burnUp.before + earlier,
          points,
          goal,
          goalWords: `${goal} in the plan`,
        },
        `Stories done over time: ${points[points.length - 1]?.value ?? done} of ${goal}`,
      ),
  };
}
