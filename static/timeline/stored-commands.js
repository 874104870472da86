// @ts-check
/** The commands that the server has stored, read for the choice of the Timeline and joined with the live ones. */

import { catchApiError, get } from "../kit/api.js";
import { blockedBy } from "../kit/command-result.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {{id: number, started_at: number}} Batch */

/** Most commands that are read at once, the newest; and most batches to choose from. */
const COMMANDS_MOST = 10_000;
const BATCHES_MOST = 200;

export class StoredCommands {
  /** @type {ReadonlyMap<number, Command>} */ commands = new Map();
  /** How many there are in the database. */
  total = 0;
  /** Why they could not be read, "" for no error. */
  failure = "";
  #request = "";
  /** The stored commands with which a story was blocked, and why. @type {Map<number, string>} */ #blocked = new Map();

  /** Makes the next read a new one, though it is of the same choice. */
  invalidate() {
    this.#request = "";
  }

  /** Forgets the commands of another choice. */
  clear() {
    this.commands = new Map();
  }

  /**
   * Reads the commands of a choice, if it was not read already.
   * @param {string} choice the number of a batch, "all", or "" for the newest batch
   * @param {Model} model
   * @returns {Promise<Batch[] | null>} the batches there are; null when nothing was read
   */
  async read(choice, model) {
    const batch = choice === "all" ? "" : choice || String(model.run.batch?.id ?? "");
    const request = `${choice}|${batch}|${model.ready}`;
    if (request === this.#request) return null;
    this.#request = request;
    const answer = await catchApiError(fetchCommands(batch), (error) => this.#failed(error));
    // A later read has overtaken this one.
    if (request !== this.#request) return null;
    if (!answer) return [];
    this.failure = "";
    this.total = answer.total;
    this.#blocked = blockedBefore(answer);
    this.commands = new Map(answer.commands.map((/** @type {any} */ row) => [row.id, commandOf(row, answer.stories)]));
    return answer.batches;
  }

  /** @param {Error} error */
  #failed(error) {
    this.failure = this.commands.size ? "" : error.message;
    return null;
  }

  /**
   * The stored commands with the live ones over them, in order of start.
   * @param {string} choice
   * @param {Model} model
   * @returns {Map<number, Command>}
   */
  join(choice, model) {
    if (model.replaying) return withBlocked(new Map(model.commands), blockedNow(model, [...model.commands]));
    const joined = new Map(this.commands);
    if (choice === "" || choice === "all" || choice === String(model.run.batch?.id))
      for (const [id, command] of model.commands) joined.set(id, { ...joined.get(id), ...command });
    const sorted = [...joined].sort(([, a], [, b]) => a.started_at - b.started_at || a.command_id - b.command_id);
    return withBlocked(new Map(sorted), new Map([...this.#blocked, ...blockedNow(model, sorted)]));
  }
}

/** @param {string} batch "" for all */
async function fetchCommands(batch) {
  const [{ total, commands, stories }, { batches }] = await Promise.all([
    get(`/api/commands?limit=${COMMANDS_MOST}${batch ? `&batch=${batch}` : ""}`),
    get(`/api/batches?limit=${BATCHES_MOST}`),
  ]);
  return { total, commands, stories, batches };
}

/**
 * The last command of each blocked row of a story, with the reason.
 * @param {{commands: any[], stories: Record<string, {status: string, reason: string | null}>}} answer
 * @returns {Map<number, string>}
 */
function blockedBefore({ commands, stories }) {
  const last = new Map(commands.filter((row) => !row.background).map((row) => [row.story_id, row.id]));
  return new Map(
    [...last].flatMap(([story, id]) =>
      stories[story]?.status === "blocked" ? [[id, stories[story].reason ?? ""]] : [],
    ),
  );
}

/** The same of the stories that are blocked in the batch of the model. @param {Model} model @param {[number, Command][]} commands */
function blockedNow({ run, commands: own }, commands) {
  const of = commands.filter(([id]) => own.has(id)).map(([, command]) => command);
  return blockedBy(run.stories, of);
}

/** @param {Map<number, Command>} commands are changed @param {Map<number, string>} blocked */
function withBlocked(commands, blocked) {
  for (const [id, reason] of blocked) {
    const command = commands.get(id);
    if (command) commands.set(id, { ...command, blocked: reason });
  }
  return commands;
}

/** Fields that add up to the tokens of a command. */
const TOKENS = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"];

/**
 * A stored command as the page holds it.
 * @param {any} row of `GET /api/commands`
 * @param {Record<string, {cycle_number: number}>} stories by the id of their row
 * @returns {Command}
 */
export function commandOf(row, stories) {
  const keys = row.story_key ? [row.story_key] : [];
  const isReported = TOKENS.some((name) => row[name] !== null);
  return {
    command_id: row.id,
    command: row.command,
    story_keys: row.story_keys.length ? row.story_keys : keys,
    attempt: row.attempt,
    status: row.ended_at === null ? "running" : row.status,
    verdict: row.verdict ?? "",
    reason: row.reason ?? "",
    background: row.background,
    started_at: row.started_at,
    ended_at: row.ended_at,
    cost_usd: row.cost_usd,
    estimated_usd: row.estimated_usd,
    seq: 0,
    agent: row.agent,
    model: row.model,
    tokens: isReported ? TOKENS.reduce((sum, name) => sum + (row[name] ?? 0), 0) : null,
    cycle: stories[row.story_id]?.cycle_number ?? null,
    machine: row.machine ?? null,
  };
}
