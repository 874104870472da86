// @ts-check
/** Numbers, times and names as people read them. Pure; durations in milliseconds, instants in ms since the epoch. */

import { serverNow } from "./server-clock.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** What is shown where there is no value. */
export const UNKNOWN = "–";
/** What is shown for a cost or tokens that no agent has reported: they are not 0. */
const UNREPORTED = "unknown";

const grouped = new Intl.NumberFormat("en");

/** 12345 -> "12,345". @param {number | null | undefined} value */
export function count(value) {
  return value === null || value === undefined ? UNKNOWN : grouped.format(value);
}

/** 12345 -> "12.3k", 1200000 -> "1.2M". @param {number | null | undefined} value */
export function tokens(value) {
  if (value === null || value === undefined) return UNREPORTED;
  if (value < 1000) return String(value);
  if (value < 999_950) return `${trim(value / 1000)}k`;
  return `${trim(value / 1_000_000)}M`;
}

/** One decimal below 100, none above. @param {number} value */
function trim(value) {
  return value < 99.95 ? value.toFixed(1).replace(/\.0$/, "") : grouped.format(Math.round(value));
}

/**
 * US dollars: "$0.00", "<$0.01", "$12.34", "$1,234"; "≈$0.12" where a cent or more of it follows from a price list.
 * @param {number | null | undefined} usd
 * @param {number | null} [estimated] the part of it that no agent has reported
 */
export function money(usd, estimated) {
  if (usd === null || usd === undefined) return UNREPORTED;
  if (usd > 0 && usd < 0.005) return "<$0.01";
  const about = (estimated ?? 0) >= 0.005 ? "≈" : "";
  return usd < 1000 ? `${about}$${usd.toFixed(2)}` : `${about}$${grouped.format(Math.round(usd))}`;
}

/**
 * A sum to which some commands contribute an amount that no agent has reported.
 * @param {string} words the sum of what is known
 * @param {number} sum
 * @param {number} unreported commands
 */
export function partialSum(words, sum, unreported) {
  if (!unreported) return words;
  return sum ? `at least ${words}` : UNREPORTED;
}

/** A running clock: "0:07", "12:34", "1:02:03"; never negative. @param {number} ms */
export function stopwatch(ms) {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = `${pad(seconds % 60)}`;
  return hours ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** A finished duration: "0.4 s", "8 s", "12 s", "3 min 5 s", "2 h 4 min". @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms === null || ms === undefined) return UNKNOWN;
  if (ms < 9.95 * SECOND) return `${(Math.max(0, ms) / SECOND).toFixed(1).replace(/\.0$/, "")} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.floor((ms % MINUTE) / SECOND)} s`;
  return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
}

/** What is left until an instant: "in 12 min", "in 40 s", "now". @param {number} at @param {number} now */
export function remaining(at, now) {
  const left = at - now;
  if (left <= 0) return "now";
  if (left < MINUTE) return `in ${Math.ceil(left / SECOND)} s`;
  if (left < HOUR) return `in ${Math.ceil(left / MINUTE)} min`;
  return `in ${Math.floor(left / HOUR)} h ${Math.floor((left % HOUR) / MINUTE)} min`;
}

/** Whether the reader's language counts hours to 12. */
const countsTo12 = /^h1[12]$/.test(
  new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hourCycle ?? "",
);
/** The attribute by which styles give times the room that they need. */
if (countsTo12 && globalThis.document) document.documentElement.dataset.hours = "12";

/**
 * A time of day as the reader's language has it: "21:05", "9:05 PM".
 * @param {Date} date
 * @param {boolean} [seconds]
 * @param {boolean} [to12]
 */
export function timeOfDay(date, seconds = false, to12 = countsTo12) {
  const hours = date.getHours();
  const rest = `:${pad(date.getMinutes())}${seconds ? `:${pad(date.getSeconds())}` : ""}`;
  if (!to12) return `${pad(hours)}${rest}`;
  return `${hours % 12 || 12}${rest}\u00a0${hours < 12 ? "AM" : "PM"}`;
}

/** Local wall clock with seconds: "21:05:07", "9:05:07 PM". @param {number} at */
export function clock(at) {
  return timeOfDay(new Date(at), true);
}

/** Local wall clock without seconds: "21:05", "9:05 PM". @param {number} at */
export function shortClock(at) {
  return timeOfDay(new Date(at));
}

/**
 * Local hour and minute, with the date in front when it is not today.
 * @param {number} at @param {number} [now] @param {boolean} [seconds]
 */
export function hourMinute(at, now = serverNow(), seconds = false) {
  const date = new Date(at);
  const time = timeOfDay(date, seconds);
  return date.toDateString() === new Date(now).toDateString() ? time : `${day(at)} ${time}`;
}

/** Local date "24 Jan 2026". @param {number} at */
export function day(at) {
  return new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** "1 story", "3 stories". @param {number} n @param {string} one @param {string} [many] */
export function plural(n, one, many = `${one}s`) {
  return `${grouped.format(n)} ${n === 1 ? one : many}`;
}

/** The number of a story: "1-2-user-login" -> "1-2"; keys of other shapes stay whole. @param {string} key */
export function shortKey(key) {
  return /^(\d+[a-z]?-\d+[a-z]?)(?:-|$)/i.exec(key)?.[1] ?? key;
}

/** @type {Record<string, string>} */
const SHORT = {
  "sprint-planning": "sprint planning",
  "create-story": "create",
  "story-discovery": "explore",
  "story-review": "story review",
  "create-tech-spec": "tech spec",
  "tech-spec-review": "spec review",
  "dev-story": "dev",
  "code-review": "code review",
  "create-project-context": "project context",
  "refresh-project-context": "refresh context",
};

/** A command in few words: "code-review-2" -> "code review 2". @param {string} command */
export function shortCommand(command) {
  const [, base, round] = /^(.*?)(?:-(\d+))?$/.exec(command) ?? [];
  const name = SHORT[base] ?? (base ?? command).replaceAll("-", " ");
  return round ? `${name} ${round}` : name;
}

/** @type {Record<string, string>} */
const STATUS = {
  backlog: "Backlog",
  "ready-for-dev": "Ready for dev",
  "in-progress": "In progress",
  review: "Review",
  done: "Done",
  blocked: "Blocked",
  parked: "Out of scope",
  unknown: "Unknown",
};

/** A story's status in words. @param {string | null | undefined} status */
export function statusText(status) {
  if (!status) return "Not started";
  return STATUS[status] ?? status;
}

/** All tokens a set of metrics counts. @param {Record<string, any>} m */
export function allTokens(m) {
  return (m.input_tokens ?? 0) + (m.output_tokens ?? 0) + (m.cache_read_tokens ?? 0) + (m.cache_write_tokens ?? 0);
}

/** @param {number} n */
function pad(n) {
  return n < 10 ? `0${n}` : String(n);
}
