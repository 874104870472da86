// @ts-check
/** What the money of a story, a batch or a day went for: the three largest lines first, the others behind them. */
import { get } from "./api.js";
import { createDisclosure } from "./disclosure.js";
import { h } from "./dom.js";
import { count, duration, money, partialSum, plural, tokens, UNKNOWN } from "./format.js";

/**
 * @typedef {{label: string, commands: number, cost_usd: number | null, estimated_usd: number, unknown: number,
 *   fresh_tokens: number, cached_tokens: number, written_tokens: number, duration_ms: number,
 *   usual_usd: number | null}} CostLine
 * @typedef {{cost_usd: number | null, estimated_usd: number, unknown: number, shared: number, lines: CostLine[],
 *   prompts: {command: string, tokens: number, context_tokens: number}[]}} Cost of `GET …/cost`
 */

/** Lines that are named before the table. */
const LARGEST = 3;

/** @param {() => string} path of the answer @param {string} usual of what `usual_usd` is the median */
export function createCostLines(path, usual) {
  const load = async () => costParts(await get(path()), usual);
  return createDisclosure({ class: "cost-lines", summary: ["What the money went for"], load });
}

/** @param {Cost} cost @param {string} usual @returns {Node[]} */
function costParts(cost, usual) {
  if (!cost.lines.length) return [h("p", { class: "empty", text: "No command has run." })];
  return [h("p", { text: summaryText(cost) }), costTable(cost.lines, usual), ...promptParts(cost)];
}

/** The sum, its largest lines, and what it leaves out. @param {Cost} cost */
export function summaryText({ cost_usd: usd, estimated_usd: estimated, unknown, shared, lines }) {
  const largest = lines.slice(0, LARGEST).filter((line) => line.cost_usd);
  const named = largest.map((line) => `${line.label.toLowerCase()} ${lineCost(line)}`);
  const sum = partialSum(money(usd, estimated), usd ?? 0, unknown);
  const share = shared
    ? ` ${plural(shared, "call")} for several stories ${shared === 1 ? "counts" : "count"} in part.`
    : "";
  return `${sum}${named.length ? `, most of it for ${named.join(", ")}` : ""}.${share}`;
}

/** @param {CostLine} line */
function lineCost({ cost_usd: usd, estimated_usd: estimated, unknown }) {
  return partialSum(money(usd, estimated), usd ?? 0, usd === null ? 1 : unknown);
}

/** @param {CostLine[]} lines @param {string} usual */
function costTable(lines, usual) {
  const heads = ["For", "Cost", `Median of ${usual}`, "Commands", "Time", "New tokens", "Cached", "Output tokens"];
  const rows = lines.map((line) => [
    line.label,
    lineCost(line),
    line.usual_usd === null ? UNKNOWN : money(line.usual_usd),
    count(line.commands),
    duration(line.duration_ms),
    ...[line.fresh_tokens, line.cached_tokens, line.written_tokens].map(tokens),
  ]);
  const row = (/** @type {string[]} */ cells) =>
    h("tr", {}, ...cells.map((words, at) => costCell(words, at, heads[at])));
  const head = h("tr", {}, ...heads.map((words) => h("th", { scope: "col", text: words })));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows.map(row)));
  return h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "What the money went for" }, table);
}

/** @param {string} words @param {number} at @param {string} head */
function costCell(words, at, head) {
  return h(at ? "td" : "th", { scope: at ? null : "row", "data-head": head, text: words });
}

/** @param {Cost} cost @returns {Node[]} */
function promptParts({ prompts }) {
  if (!prompts.length) return [];
  const each = prompts.map(({ command, tokens: own, context_tokens: context }) => {
    const reads = context ? `, and ${tokens(context)} of project context` : "";
    return `${command} ≈${tokens(own)}${reads}`;
  });
  return [h("p", { class: "soft", text: `Tokens of our own prompts, estimated: ${each.join("; ")}.` })];
}
