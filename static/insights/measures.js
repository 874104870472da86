// @ts-check
/** The measures of the Insights tab: sums by command, model, story and day, as tables and as CSV. Pure. */

import { natural } from "../kit/chart-axis.js";
import { allTokens, count, day, duration, money, partialSum, shortCommand, shortKey, tokens } from "../kit/format.js";

/**
 * @typedef {{name: string, commands: number, succeeded: number, failed: number, held: number, running: number,
 *   duration_ms: number, input_tokens: number, output_tokens: number, cache_read_tokens: number,
 *   cache_write_tokens: number, cost_usd: number, estimated_usd: number, commands_without_cost: number,
 *   commands_without_tokens: number}} Line a line of `GET /api/insights`
 * @typedef {{total: Line[], by_command: Line[], by_story: Line[], by_epic: Line[], by_batch: Line[], by_day: Line[],
 *   by_model: Line[], by_agent: Line[], review_rounds: {story_key: string, rounds: number, verdicts: string}[],
 *   burn_up: {before: number, now: number, points: {at: number, story_key: string, done: number}[]},
 *   budgets: {day: number | null, batch: number | null, story: number | null, command: number | null},
 *   before: Before | null}} Insights
 * @typedef {{batch: number | null, total: Line[], stories_done: number, review_rounds: number, reviewed: number}} Before
 * @typedef {{words: string, of: (line: Line) => number, parts: [field: keyof Line, tone: string, words: string][],
 *   format: (value: number) => string, tell?: (line: Line) => string, least: number}} Measure
 * @typedef {{head: string[], rows: {cells: string[], raw: (string | number)[]}[], foot: string[] | null,
 *   names: string[]}} Table `cells` for people, `raw` and `names` for CSV
 */

/** @type {Record<string, Measure>} */
export const MEASURES = {
  cost: {
    words: "Cost",
    of: (line) => line.cost_usd,
    parts: [["cost_usd", "cost", "Cost"]],
    format: money,
    tell: costText,
    least: 0,
  },
  tokens: {
    words: "Tokens",
    of: allTokens,
    format: tokens,
    tell: (line) => partialSum(tokens(allTokens(line)), allTokens(line), line.commands_without_tokens),
    least: 1,
    parts: [
      ["input_tokens", "input", "Input"],
      ["output_tokens", "output", "Output"],
      ["cache_read_tokens", "cache_read", "Cache reads"],
      ["cache_write_tokens", "cache_write", "Cache writes"],
    ],
  },
  time: {
    words: "Agent time",
    of: (line) => line.duration_ms,
    parts: [["duration_ms", "time", "Time"]],
    format: duration,
    least: 1,
  },
  commands: {
    words: "Commands",
    of: (line) => line.commands,
    format: count,
    least: 1,
    parts: [
      ["succeeded", "succeeded", "Succeeded"],
      ["failed", "failed", "Failed"],
      ["held", "held", "Stopped or waiting"],
      ["running", "running", "Running"],
    ],
  },
};

/** The groupings, in the order in which they are shown. */
export const GROUPS = /** @type {const} */ ([
  ["by_day", "day", "Day"],
  ["by_story", "story", "Story"],
  ["by_command", "command", "Command"],
  ["by_model", "model", "Model"],
  ["by_agent", "agent", "Agent"],
  ["by_epic", "epic", "Epic"],
  ["by_batch", "batch", "Batch"],
]);

/** @type {[field: keyof Line, words: string, format: (value: number) => string, unknown?: keyof Line][]} */
const FIELDS = [
  ["commands", "Commands", count],
  ["succeeded", "Succeeded", count],
  ["failed", "Failed", count],
  ["held", "Stopped or waiting", count],
  ["running", "Running", count],
  ["duration_ms", "Agent time", duration],
  ["input_tokens", "Input tokens", count, "commands_without_tokens"],
  ["output_tokens", "Output tokens", count, "commands_without_tokens"],
  ["cache_read_tokens", "Cache reads", count, "commands_without_tokens"],
  ["cache_write_tokens", "Cache writes", count, "commands_without_tokens"],
  ["cost_usd", "Cost", exact, "commands_without_cost"],
  ["estimated_usd", "Of it estimated", exact],
  ["commands_without_cost", "Without a cost", count],
  ["commands_without_tokens", "Without tokens", count],
];

/** A sum of a line for people: what no agent has reported is not 0. @param {Line} line @param {typeof FIELDS[number]} field */
function cellOf(line, [field, , format, unknown]) {
  const value = Number(line[field]);
  return unknown ? partialSum(format(value), value, Number(line[unknown])) : format(value);
}

/** The same as a number, nothing where it is unknown. @param {Line} line @param {typeof FIELDS[number]} field */
function rawOf(line, [field, , , unknown]) {
  return unknown && !line[field] && line[unknown] ? "" : line[field];
}

/** What a line cost, as far as it is known. @param {Line} line */
export function costText({ cost_usd: cost, estimated_usd: estimated, commands_without_cost: unknown }) {
  return partialSum(money(cost, estimated), cost, unknown);
}

const cents = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
});

/** US dollars to a hundredth of a cent, for tables. @param {number} usd */
export function exact(usd) {
  return cents.format(usd);
}

/**
 * A line's name as people know it.
 * @param {string} group
 * @param {string} name
 * @param {(key: string) => string} titleOf a story's title
 */
export function nameOf(group, name, titleOf) {
  if (name === "(project)") return "The project itself";
  if (name === "(not named)") return "Not named";
  if (group === "story")
    return [shortKey(name), titleOf(name)].filter((word, index, all) => all.indexOf(word) === index).join(" ");
  if (group === "command") return shortCommand(name);
  if (group === "epic") return `Epic ${name}`;
  if (group === "batch") return `Batch ${name}`;
  return group === "day" ? day(Date.parse(`${name}T12:00:00`)) : name;
}

/** What a line comes to, in words; an estimated cost says so. @param {Measure} measure @param {Line} line */
export function formatLine(measure, line) {
  return measure.tell ? measure.tell(line) : measure.format(measure.of(line));
}

/**
 * By the calendar, by number, or the largest first.
 * @param {string} group
 * @param {Line[]} lines
 * @param {Measure} measure
 */
export function sorted(group, lines, measure) {
  if (group === "day" || group === "batch" || group === "epic")
    return [...lines].sort((a, b) => natural(a.name, b.name));
  return [...lines].sort((a, b) => measure.of(b) - measure.of(a) || natural(a.name, b.name));
}

/**
 * @param {string} words of the group
 * @param {string} group
 * @param {Line[]} lines
 * @param {Line | undefined} total
 * @param {(key: string) => string} titleOf
 * @returns {Table}
 */
export function groupTable(words, group, lines, total, titleOf) {
  const cells = (/** @type {Line} */ line) => FIELDS.map((field) => cellOf(line, field));
  return {
    head: [words, ...FIELDS.map(([, name]) => name)],
    names: [group, ...FIELDS.map(([field]) => field)],
    rows: [...lines]
      .sort((a, b) => natural(a.name, b.name))
      .map((line) => ({
        cells: [nameOf(group, line.name, titleOf), ...cells(line)],
        raw: [line.name, ...FIELDS.map((field) => rawOf(line, field))],
      })),
    foot: total ? ["All", ...cells(total)] : null,
  };
}

/** How often agents succeeded, of the commands that they could end. @param {Line} line @returns {number | null} */
export function success(line) {
  const ended = line.succeeded + line.failed;
  return ended ? line.succeeded / ended : null;
}

/** "92 %"; never rounded up to all or down to none. @param {number | null} share */
export function percent(share) {
  if (share === null) return "–";
  return `${share === 1 ? 100 : share === 0 ? 0 : Math.min(99, Math.max(1, Math.round(share * 100)))} %`;
}

/**
 * @param {string} words
 * @param {string} group
 * @param {Line[]} lines
 * @param {(key: string) => string} titleOf
 * @returns {Table}
 */
export function successTable(words, group, lines, titleOf) {
  return {
    head: [words, "Success", "Succeeded", "Failed", "Stopped or waiting", "Running"],
    names: [group, "success_rate", "succeeded", "failed", "held", "running"],
    rows: [...lines]
      .sort((a, b) => natural(a.name, b.name))
      .map((line) => {
        const counts = [line.succeeded, line.failed, line.held, line.running];
        return {
          cells: [nameOf(group, line.name, titleOf), percent(success(line)), ...counts.map(count)],
          raw: [line.name, success(line) ?? "", ...counts],
        };
      }),
    foot: null,
  };
}

/** @type {Record<string, [tone: string, letter: string]>} */
const VERDICTS = {
  "zero issues": ["zero", "✓"],
  low: ["low", "L"],
  medium: ["medium", "M"],
  high: ["high", "H"],
  critical: ["critical", "C"],
};

/** The rounds of a story's reviews. @param {string} verdicts "HIGH, ZERO ISSUES" */
export function roundsOf(verdicts) {
  return verdicts
    .split(", ")
    .filter(Boolean)
    .map((verdict, index) => {
      const [tone, letter] = VERDICTS[verdict.toLowerCase()] ?? ["other", "?"];
      return { tone, letter, title: `Round ${index + 1}: ${verdict.toLowerCase()}` };
    });
}

/** @param {Insights["review_rounds"]} reviews @param {(key: string) => string} titleOf @returns {Table} */
export function roundsTable(reviews, titleOf) {
  return {
    head: ["Story", "Rounds", "Verdicts"],
    names: ["story", "rounds", "verdicts"],
    foot: null,
    rows: reviews.map((line) => ({
      cells: [nameOf("story", line.story_key, titleOf), count(line.rounds), line.verdicts.toLowerCase()],
      raw: [line.story_key, line.rounds, line.verdicts],
    })),
  };
}

/** The pieces of a line's bar. @param {Line} line @param {Measure} measure */
export function partsOf(line, measure) {
  return measure.parts.map(([field, tone]) => ({ value: Number(line[field]), tone }));
}
