// @ts-check
/** Parses and formats the values of settings, by the range that the server gives. Pure. */

/**
 * @typedef {{name: string, value: any, default: any, source: "default" | "file" | "environment" | "flag",
 *   allowed: string, effect: string, kind: string, low: number | null, high: number | null, choices: string[],
 *   optional: boolean, editable: boolean, applies: string, locked: string | null}} Setting
 *   of `GET /api/settings`
 */

/** "budget_day_usd" -> "Budget of a day"; others by their own words. @param {string} name */
export function titleOf(name) {
  const words = TITLES[name] ?? name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** @type {Record<string, string>} */
const TITLES = {
  gates: "gates: the run waits for you",
  verify: "check of the project",
  agents: "programs of the agents",
  commands: "agent and model by command",
  parallel: "stories side by side",
  parallel_here: "lanes on this machine",
  worker_labels: "labels of its workers",
  verify_on: "where it is checked",
  worktree_setup: "makes a worktree ready",
  story_order: "order of stories",
  close_epics: "closing of epics",
  commit_by: "commits are made by",
  commit_per: "a commit for each",
  workflows: "workflows of one's own",
  notify_webhook: "webhook",
  notify_secret: "secret of the webhook",
  notify_command: "command",
  receipt_notes: "receipts as git notes",
  receipt_trailer: "receipt in the commit message",
  receipt_key: "key that signs receipts",
  event_retention_days: "events are kept, days",
  tracker: "status file",
  default_batch_size: "groups of a batch",
  max_code_review_attempts: "most code reviews",
  light_model_after_review: "light model from review",
  project_context_max_age_hours: "age of the project context, hours",
  budget_batch_usd: "budget of a batch, US dollars",
  budget_day_usd: "budget of a day, US dollars",
  budget_batch_tokens: "budget of a batch, tokens",
  budget_day_tokens: "budget of a day, tokens",
  budget_story_usd: "budget of a story, US dollars",
  budget_story_tokens: "budget of a story, tokens",
  budget_command_usd: "budget of a command, US dollars",
  budget_command_tokens: "budget of a command, tokens",
  no_progress_usd: "no story moves on: pause after US dollars",
  no_progress_commands: "no story moves on: pause after commands",
  reserve_percent: "reserve of a usage window, percent",
  reserve_hours: "hours of the reserve",
  command_timeout_min: "longest command, minutes",
  silence_timeout_min: "longest silence, minutes",
  question_timeout_min: "longest wait for an answer, minutes",
  cors_origin: "origin of data files",
  reader_token: "token of readers",
  public_url: "address for phones",
  data_dir: "data folder",
  heartbeat_s: "heartbeat, seconds",
  pong_timeout_s: "answer to a heartbeat, seconds",
  max_clients: "most pages connected",
  retention_days: "streams are kept, days",
  active_hours: "active hours",
  deliver: "finished work goes to",
  deliver_per: "a branch for each",
  deliver_branch: "name of the branch",
  deliver_base: "requests are for branch",
  deliver_rounds: "most rounds for a request",
  pull_request_command: "makes a request",
  pull_request_lookup_command: "finds a request",
  checks_command: "reports the checks",
  checks_interval_s: "looks at the checks, seconds apart",
  merge_when: "requests are merged",
  merge_command: "merges a request",
  fleet: "address of the fleet",
  fleet_name: "name of this runner",
  fleet_machine: "name of this machine",
  fleet_accounts: "accounts that machines share",
  fleet_user: "user of the NATS server",
  fleet_password: "password of that user",
  fleet_creds: "credentials file of that user",
  fleet_nkey: "NKey file of that user",
  keep_awake: "keep the machine awake",
  auto_resume: "resume by itself",
};

/**
 * What a field's text means.
 * @param {Setting} setting @param {string} text
 * @returns {{value: any, error: null} | {value: undefined, error: string}} null takes the setting out of the file
 */
export function parse(setting, text) {
  const trimmed = text.trim();
  if (trimmed === "" && setting.optional) return { value: null, error: null };
  if (setting.kind === "command" && hasOpenQuote(trimmed))
    return { value: undefined, error: "A quote is never closed." };
  const value = parseValue(setting, trimmed);
  if (value !== undefined) return { value, error: null };
  return { value, error: `Must be ${setting.allowed}${setting.optional ? ", or empty for none" : ""}.` };
}

/** @param {Setting} setting @param {string} text trimmed @returns {any} undefined for a text that is not allowed */
function parseValue(setting, text) {
  const { kind, choices } = setting;
  if (kind === "mapping") return text === "{}" ? null : JSON.parse(text);
  if (kind === "boolean") return { true: true, false: false }[text];
  if (kind === "integer" || kind === "number") return parseNumber(setting, text);
  if (kind === "agents") return parseAgents(text, choices);
  if (kind === "list")
    return text === "" ? [] : text.split(", ").every((item) => choices.includes(item)) ? text.split(", ") : undefined;
  if (choices.length) return choices.includes(text) ? text : undefined;
  if (kind === "hours" && !/^\d\d:\d\d\s*-\s*\d\d:\d\d(\s*,\s*\d\d:\d\d\s*-\s*\d\d:\d\d)*$/.test(text))
    return undefined;
  if (kind === "url" && !/^https?:\/\/\S+$/.test(text)) return undefined;
  return text === "" ? undefined : text;
}

/** One name, or a list of several. @param {string} text @param {string[]} choices */
function parseAgents(text, choices) {
  const names = text.split(", ");
  if (new Set(names).size < names.length || names.some((name) => !choices.includes(name))) return undefined;
  return names.length > 1 ? names : names[0];
}

/** @param {Setting} setting @param {string} text */
function parseNumber({ kind, low, high }, text) {
  const pattern = kind === "integer" ? /^-?\d{1,15}$/ : /^-?\d{1,15}(\.\d{1,9})?$/;
  const value = Number(text);
  if (!pattern.test(text) || value < (low ?? -Infinity) || value > (high ?? Infinity)) return undefined;
  return value;
}

/** Whether a quote of a command line is left open, as a shell reads it. @param {string} text */
function hasOpenQuote(text) {
  let quote = "";
  for (let index = 0; index < text.length; index += 1) {
    const letter = text[index];
    if (letter === "\\" && quote !== "'") index += 1;
    else if (quote) quote = letter === quote ? "" : quote;
    else if (letter === "'" || letter === '"') quote = letter;
  }
  return quote !== "";
}

/** A value as a field holds it. @param {any} value */
export function toText(value) {
  if (value && typeof value === "object" && !Array.isArray(value)) return canonical(value);
  if (Array.isArray(value)) return value.join(", ");
  return value === null || value === undefined ? "" : String(value);
}

/** A mapping of mappings as JSON, the same for the same values: sorted, without what is empty. @param {any} entries */
export function canonical(entries) {
  const parts = Object.entries(entries).map(([name, entry]) => [name, filled(entry)]);
  return JSON.stringify(Object.fromEntries(parts.filter(([, entry]) => Object.keys(entry).length).sort(byName)));
}

/** @param {Record<string, any>} entry */
function filled(entry) {
  const parts = Object.entries(entry).filter(([, value]) => value !== null && value !== "" && value?.length !== 0);
  return Object.fromEntries(parts.sort(byName));
}

/** @param {any[]} a @param {any[]} b */
function byName([a], [b]) {
  return a < b ? -1 : 1;
}

/** A value as people read it. @param {Setting} setting @param {any} value */
export function words(setting, value) {
  if (value === null || value === undefined || (Array.isArray(value) && !value.length)) return "none";
  if (setting.kind === "boolean") return value ? "on" : "off";
  if (setting.kind === "mapping") return yaml(value).trim() || "none";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** Where a value comes from, in words. @param {Setting} setting */
export function sourceText({ source, name }) {
  return {
    default: "this is the default",
    file: "from sprint-runner.yaml",
    flag: "from the command line",
    environment: `from SPRINT_RUNNER_${name.toUpperCase()}`,
  }[source];
}

/**
 * A mapping as the file would say it; what is empty is left out.
 * @param {any} value
 * @param {number} [depth]
 * @returns {string}
 */
export function yaml(value, depth = 0) {
  const pad = "  ".repeat(depth);
  const kept = Object.entries(value).filter(([, item]) => !isEmpty(item));
  return kept
    .map(([key, item]) =>
      item && typeof item === "object" && !Array.isArray(item)
        ? `${pad}${key}:\n${yaml(item, depth + 1)}`
        : `${pad}${key}: ${scalar(item, depth)}\n`,
    )
    .join("");
}

/** @param {any} item */
function isEmpty(item) {
  return item === null || item === "" || (typeof item === "object" && !Object.keys(item).length);
}

/** @param {any} item @param {number} depth @returns {string} */
function scalar(item, depth) {
  if (!Array.isArray(item))
    return typeof item === "string" && /^[\s\-?:,[\]{}#&*!|>'"%@`]|: | #|^$/.test(item)
      ? JSON.stringify(item)
      : String(item);
  if (item.every((each) => typeof each !== "object" || each === null))
    return `[${item.map((each) => scalar(each, depth)).join(", ")}]`;
  const pad = "  ".repeat(depth + 1);
  const items = item.map((each) => `${pad}- ${yaml(each, depth + 2).trimStart()}`);
  return `\n${items.join("")}`.trimEnd();
}
