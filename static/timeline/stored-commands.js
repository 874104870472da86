// @ts-check
/** The commands that the server has stored, read for the choice of the Timeline and joined with the live ones. */
import { catchApiError, get } from "../kit/api.js";

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
    this.commands = new Map(answer.commands.map((/** @type {any} */ row) => [row.id, commandOf(row)]));
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
    if (model.replaying) return new Map(model.commands);
    const joined = new Map(this.commands);
    if (choice === "" || choice === "all" || choice === String(model.run.batch?.id))
      for (const [id, command] of model.commands) joined.set(id, { ...joined.get(id), ...command });
    return new Map([...joined].sort(([, a], [, b]) => a.started_at - b.started_at || a.command_id - b.command_id));
  }
}

/** @param {string} batch "" for all */
async function fetchCommands(batch) {
  const [{ total, commands }, { batches }] = await Promise.all([
    get(`/api/commands?limit=${COMMANDS_MOST}${batch ? `&batch=${batch}` : ""}`),
    get(`/api/batches?limit=${BATCHES_MOST}`),
  ]);
  return { total, commands, batches };
}

/** A stored command as the page holds it. @param {any} row of `GET /api/commands` @returns {Command} */
export function commandOf(row) {
  const keys = row.story_key ? [row.story_key] : [];
  const tokens = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"];
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
    tokens: tokens.reduce((sum, name) => sum + (row[name] ?? 0), 0),
  };
}
