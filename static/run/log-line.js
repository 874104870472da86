// @ts-check
/** One line of the log for every event: which story, command and task, how it went, and what there is to say. */
import { allTokens, duration, money, plural, shortCommand, shortKey, tokens } from "../kit/format.js";

/** @typedef {import("../state.js").Envelope} Envelope */
/** @typedef {0 | 1 | 2 | 3} Level */
/**
 * @typedef {{seq: number, at: number, story: string, command: string, task: string, status: string, level: Level,
 *   message: string, haystack: string, of: number, others: readonly string[]}} Line `haystack` is for the store's text
 * search,
 *   `of` the id of the command that it tells of, or 0, `others` the stories that it concerns beside `story`
 */

/** Levels, by rising weight: what an agent does, what the runner does, what to look at, what went wrong. */
export const DETAIL = 0;
export const INFO = 1;
export const WARNING = 2;
export const ERROR = 3;

/** @param {Envelope} event @returns {Line} */
export function toLogLine(event) {
  const p = event.payload;
  const said = (SAY[event.type] ?? sayUnknown)(p, event.type);
  return {
    seq: event.seq,
    at: event.timestamp,
    story: String(p.story_key ?? ""),
    command: String(p.command ?? ""),
    task: String(p.task_id ?? ""),
    status: said.status,
    level: said.level,
    message: said.message,
    haystack: "",
    of: p.command_id ?? 0,
    others: othersOf(p),
  };
}

/** @type {readonly string[]} one for all lines that have none */
const NONE = [];

/** @param {Record<string, any>} p */
function othersOf({ story_key: own, story_keys: all }) {
  return !Array.isArray(all) || (all.length === 1 && all[0] === own) ? NONE : all.filter((key) => key !== own);
}

/** Warnings that only repeat what the operator asked for. */
const ASKED = new Set(["pausing", "stopping", "answered"]);

/** @typedef {{status: string, level: Level, message: string}} Said */

/** @param {string} status @param {string} message @param {Level} [level] @returns {Said} */
function said(status, message, level = INFO) {
  return { status, level, message };
}

/** @type {Record<string, (p: Record<string, any>, type: string) => Said>} */
const SAY = {
  "batch:start": (p) =>
    said(
      "start",
      `Batch ${p.batch_id} started: ${p.max_cycles === "all" ? "all stories" : plural(p.max_cycles, "cycle")}`,
    ),
  "batch:end": sayBatchEnd,
  "batch:pause": (p) => said("pause", `Batch paused: ${p.reason}`, p.reason === "operator" ? INFO : WARNING),
  "batch:resume": (p) => said("resume", `Batch goes on: ${p.reason}`),
  "batch:warning": (p) =>
    ASKED.has(p.warning_type) ? said(p.warning_type, p.message) : said("warning", p.message || p.warning_type, WARNING),
  "cycle:start": (p) => said("start", `Cycle ${p.cycle_number} started: ${keys(p.story_keys)}`),
  "cycle:end": (p) =>
    said(
      "end",
      `Cycle ${p.cycle_number} ended: ${p.completed_stories.length ? `${keys(p.completed_stories)} done` : "no story done"}`,
    ),
  "command:start": sayCommandStart,
  "command:progress": (p) =>
    said(p.kind ?? "note", p.message, p.kind === "retry" || p.kind === "denied" ? WARNING : DETAIL),
  "command:end": sayCommandEnd,
  "story:status": (p) =>
    p.old_status === p.new_status
      ? said("file", p.reason ?? "the story file changed", DETAIL)
      : said(
          p.new_status,
          `${p.old_status} → ${p.new_status}${p.reason ? ` (${p.reason})` : ""}`,
          p.new_status === "blocked" ? ERROR : INFO,
        ),
  error: (p) => said("error", `${p.type}: ${p.message}`, ERROR),
  attention: (p) => said("attention", p.message, WARNING),
  "context:create": (p) => said("start", p.message || "Project context: creating it first"),
  "context:refresh": (p) => said("start", p.message || "Project context: refreshing it in the background"),
  "context:complete": (p) => said(p.status, p.message || "Project context is ready"),
};

/** @param {string[]} all */
function keys(all) {
  return all.map(shortKey).join(", ");
}

/** @param {Record<string, any>} p */
function sayBatchEnd(p) {
  const text = `Batch ${p.batch_id} ${p.status}: ${plural(p.cycles_completed, "cycle")}${p.reason ? `. ${p.reason}` : ""}`;
  return said(p.status, text, p.status === "error" ? ERROR : INFO);
}

/** @param {Record<string, any>} p */
function sayCommandStart(p) {
  const who = [p.agent, p.model].filter(Boolean).join(" ");
  const marks = [p.attempt > 1 ? `attempt ${p.attempt}` : "", p.background ? "in the background" : ""].filter(Boolean);
  return said("start", [`${shortCommand(p.command)} started`, who && `by ${who}`, ...marks].filter(Boolean).join(", "));
}

/** How much an end of a command matters; every other one is an error. @type {Record<string, Level>} */
const ENDS = { success: INFO, stopped: INFO, question: WARNING, interrupted: WARNING, "usage-limit": WARNING };

/** @param {Record<string, any>} p */
function sayCommandEnd(p) {
  const m = p.metrics ?? {};
  const facts = [
    p.verdict,
    p.reason,
    m.duration_ms === undefined ? "" : duration(m.duration_ms),
    allTokens(m) ? `${tokens(allTokens(m))} tokens` : "",
    m.cost_usd ? money(m.cost_usd, m.estimated_usd) : "",
  ].filter(Boolean);
  return said(p.status, `${shortCommand(p.command)} ended: ${facts.join(" · ") || p.status}`, ENDS[p.status] ?? ERROR);
}

/** @param {Record<string, any>} p @param {string} type */
function sayUnknown(p, type) {
  return said(type, typeof p.message === "string" ? p.message : JSON.stringify(p));
}
