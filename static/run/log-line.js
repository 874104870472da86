// @ts-check
/** One line of the log for every event: its story, command, task, status and message. */

import { resultOf } from "../kit/command-result.js";
import { allTokens, duration, hourMinute, money, plural, shortCommand, shortKey, tokens } from "../kit/format.js";
import { makesPlan } from "./run-text.js";

/** @typedef {import("../state.js").Envelope} Envelope */
/** @typedef {0 | 1 | 2 | 3} Level */
/**
 * @typedef {{seq: number, at: number, story: string, command: string, task: string, status: string, level: Level,
 *   message: string, haystack: string, of: number, others: readonly string[]}} Line `haystack` is for the text search,
 *   `of` the id of the command that it is about, or 0, `others` the stories that it concerns beside `story`
 */

/** Levels, by rising weight: work of an agent, work of the runner, warnings, errors. */
export const DETAIL = 0;
export const INFO = 1;
export const WARNING = 2;
export const ERROR = 3;

/** @param {Envelope} event @returns {Line} */
export function toLogLine(event) {
  const p = event.payload;
  const { status, level, message } = (FORMATS[event.type] ?? formatUnknown)(p, event.type);
  return {
    seq: event.seq,
    at: event.timestamp,
    story: String(p.story_key ?? ""),
    command: String(p.command ?? ""),
    task: String(p.task_id ?? ""),
    status,
    level,
    message,
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

/** Warnings that only confirm a request of the operator. */
const REQUESTED = new Set(["pausing", "stopping", "answered"]);

/** @typedef {{status: string, level: Level, message: string}} LineText */

/** @param {string} status @param {string} message @param {Level} [level] @returns {LineText} */
function lineText(status, message, level = INFO) {
  return { status, level, message };
}

/** @type {Record<string, string>} */
const PLAN_CHANGES = {
  made: "The plan was made of the epics:",
  found: "The plan was found:",
  initiative: "The initiative was chosen:",
};

/** Pauses that are as the operator has set them, and how the log puts those that wait for a time. */
const QUIET_PAUSES = new Set(["operator", "hours", "scheduled", "reserve"]);
/** @type {Record<string, string>} */
const PAUSES = {
  hours: "Batch waits for the active hours",
  scheduled: "Batch waits for its time",
  reserve: "Batch waits: the rest of the usage window is reserved",
};

/** @type {Record<string, (p: Record<string, any>, type: string) => LineText>} */
const FORMATS = {
  "batch:start": formatBatchStart,
  "batch:end": formatBatchEnd,
  "batch:pause": (p) =>
    lineText("pause", PAUSES[p.reason] ?? `Batch paused: ${p.reason}`, QUIET_PAUSES.has(p.reason) ? INFO : WARNING),
  "batch:resume": (p) => lineText("resume", `Batch continues: ${p.reason}`),
  "batch:warning": (p) =>
    REQUESTED.has(p.warning_type)
      ? lineText(p.warning_type, p.message)
      : lineText("warning", p.message || p.warning_type, WARNING),
  "cycle:start": (p) => lineText("start", `Group ${p.cycle_number} started: ${keys(p.story_keys)}`),
  "cycle:end": (p) => lineText("end", `Group ${p.cycle_number} ended: ${doneText(p.completed_stories)}`),
  "lane:change": (p) =>
    lineText(
      p.state === "waiting" || p.state === "lost" ? "warning" : "note",
      p.message,
      p.state === "lost" ? WARNING : INFO,
    ),
  "command:start": formatCommandStart,
  "command:progress": (p) =>
    lineText(p.kind ?? "note", p.message, p.kind === "retry" || p.kind === "denied" ? WARNING : DETAIL),
  "command:end": formatCommandEnd,
  "story:status": (p) =>
    p.old_status === p.new_status
      ? lineText("file", p.reason ?? "the story file changed", DETAIL)
      : lineText(
          p.new_status,
          `${p.old_status} → ${p.new_status}${p.reason ? ` (${p.reason})` : ""}`,
          p.new_status === "blocked" ? ERROR : INFO,
        ),
  "story:hint": (p) => lineText("note", `${hintText(p)}: ${p.message}`),
  "plan:change": (p) => lineText("plan", `${PLAN_CHANGES[p.reason] ?? "The plan is"} ${p.initiative ?? p.tracker}`),
  "prompt:change": (p) => {
    const now = p.source === "own" ? "was changed: the next batch uses it" : "is the built-in one again";
    return lineText("file", [`The prompt of ${p.command} ${now}`, p.message].filter(Boolean).join("; "));
  },
  "story:skip": (p) =>
    lineText("note", p.skipped ? `You have skipped it: ${p.reason ?? "without a reason"}` : "You have brought it back"),
  "story:delivery": (p) => lineText("note", `Delivery: ${p.message}`, p.problem ? WARNING : INFO),
  "agent:switch": (p) => lineText("agent", p.reason),
  "quota:change": (p) => lineText("quota", quotaText(p), DETAIL),
  "story:takeover": (p) => lineText("note", [p.message, p.command_line].filter(Boolean).join(" ")),
  "run:queue": (p) => lineText("note", queueText(p)),
  error: (p) => lineText("error", `${p.type}: ${p.message}`, ERROR),
  attention: (p) => lineText("attention", p.message, WARNING),
  "context:create": (p) => lineText("start", p.message || "Project context: creating it first"),
  "context:refresh": (p) => lineText("start", p.message || "Project context: refreshing it in the background"),
  "context:complete": (p) => lineText(p.status, p.message || "Project context is ready"),
};

/** @param {Record<string, any>} payload of a hint or a message @returns {string} what became of it */
function hintText({ command_id: id, sent_to: receiver }) {
  if (receiver) return id === receiver ? "The agent has taken your message" : "Your message to the agent";
  return id ? "The command gets your hint" : "Your hint is kept";
}

/** @param {string[]} stories */
function doneText(stories) {
  return stories.length ? `${keys(stories)} done` : "no story done";
}

/** @param {string[]} all */
function keys(all) {
  return all.map(shortKey).join(", ");
}

/** @param {Record<string, any>} p */
function quotaText({ account, window, used_fraction: used, resets_at: at }) {
  const end = at ? `; it opens again at ${hourMinute(at)}` : "";
  return `${Math.floor(used * 100)} % of the ${window} window of ${account} is used${end}`;
}

/** @param {Record<string, any>} p */
function queueText({ stories, only, after, at }) {
  const order = stories.length
    ? `${only ? "Only these run" : "These run first"}: ${keys(stories)}`
    : "The plan's order";
  const end = after === "time" ? `, until ${hourMinute(at)}` : after ? `, until this ${after} has ended` : "";
  return `${order}${end}`;
}

/** @param {Record<string, any>} p */
function formatBatchStart({ batch_id: id, max_cycles: most, workflow, label }) {
  const size = most === "all" ? "all stories" : plural(most, "group");
  return lineText("start", `Batch ${id} started: ${makesPlan({ workflow }) ? label : size}`);
}

/** @param {Record<string, any>} p */
function formatBatchEnd(p) {
  const reason = p.reason ? `. ${p.reason}` : "";
  const text = `Batch ${p.batch_id} ${p.status}: ${plural(p.cycles_completed, "group")}${reason}`;
  return lineText(p.status, text, p.status === "error" ? ERROR : INFO);
}

/** @param {Record<string, any>} p */
function formatCommandStart(p) {
  const who = [p.agent, p.model].filter(Boolean).join(" ");
  const marks = [p.attempt > 1 ? `attempt ${p.attempt}` : "", p.background ? "in the background" : ""].filter(Boolean);
  return lineText(
    "start",
    [`${shortCommand(p.command)} started`, who && `by ${who}`, p.machine && `on ${p.machine}`, ...marks]
      .filter(Boolean)
      .join(", "),
  );
}

/** The level of the end of a command; every other status is an error. @type {Record<string, Level>} */
const ENDS = { success: INFO, stopped: INFO, question: WARNING, interrupted: WARNING, "usage-limit": WARNING };

/** @param {Record<string, any>} p */
function formatCommandEnd(p) {
  const m = p.metrics ?? {};
  const facts = [
    p.verdict,
    p.reason,
    m.duration_ms === undefined ? "" : duration(m.duration_ms),
    allTokens(m) ? `${tokens(allTokens(m))} tokens` : "",
    m.cost_usd ? money(m.cost_usd, m.estimated_usd) : "",
  ].filter(Boolean);
  const text = `${shortCommand(p.command)} ended: ${facts.join(" · ") || p.status}`;
  if (p.status === "success" && resultOf(p.status, p.verdict).result !== "success")
    return lineText(p.verdict, text, WARNING);
  return lineText(p.status, text, ENDS[p.status] ?? ERROR);
}

/** @param {Record<string, any>} p @param {string} type */
function formatUnknown(p, type) {
  return lineText(type, typeof p.message === "string" ? p.message : JSON.stringify(p));
}
