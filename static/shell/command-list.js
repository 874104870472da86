// @ts-check
/** The commands of a batch as commands of their stories: a second pure fold, over `command:start` and `command:end`. */
import { allTokens } from "../kit/format.js";

/** @typedef {import("../state.js").Envelope} Envelope */
/**
 * @typedef {{command_id: number, command: string, story_keys: string[], attempt: number, status: string,
 *   verdict: string, reason: string, background: boolean, started_at: number, ended_at: number | null,
 *   cost_usd: number | null, seq: number, agent: string, model: string | null, estimated_usd: number | null,
 *   tokens: number | null, cycle: number | null, machine: string | null, blocked?: string}} Command `status` is "running" until the command
 *   ends; `blocked`: why its story was blocked with it; `machine` is
 *   the worker that its agent runs on, null for the runner's own machine
 * @typedef {ReadonlyMap<number, Command>} CommandList by command id, in order of start
 */

/** @type {CommandList} */
export const NO_COMMANDS = new Map();

/** @param {CommandList} commands @param {Envelope} event @returns {CommandList} */
export function applyEvent(commands, event) {
  return applyEvents(commands, [event]);
}

/**
 * The commands after these events. They are copied once, however many events there are.
 * @param {CommandList} commands @param {Iterable<Envelope>} events in order
 * @returns {CommandList} the same ones, if no event concerns them
 */
export function applyEvents(commands, events) {
  /** @type {Map<number, Command> | null} */
  let next = null;
  for (const event of events) {
    if (!RELEVANT.has(event.type)) continue;
    next ??= new Map(commands);
    apply(next, event);
  }
  return next ?? commands;
}

/** Events that change commands. */
const RELEVANT = new Set(["batch:start", "batch:pause", "command:start", "command:end"]);

/** @param {Map<number, Command>} commands are changed @param {Envelope} event */
function apply(commands, event) {
  const id = event.payload.command_id;
  if (event.type === "batch:start") commands.clear();
  else if (event.type === "command:start") commands.set(id, started(event));
  else if (event.type === "command:end") commands.set(id, ended(commands.get(id) ?? started(event), event));
  else if (event.payload.reason === "interrupted") interrupt(commands, event);
}

/**
 * The commands of fetched events, joined with the live ones; of each command the later state is kept.
 * @param {CommandList} live
 * @param {readonly Envelope[]} events
 */
export function withHistory(live, events) {
  const joined = new Map(
    applyEvents(
      NO_COMMANDS,
      [...events].sort((a, b) => a.seq - b.seq),
    ),
  );
  for (const [id, command] of live) if ((joined.get(id)?.seq ?? -1) < command.seq) joined.set(id, command);
  return /** @type {CommandList} */ (joined);
}

/** The commands of one story. @param {CommandList} commands @param {string} key */
export function commandsOf(commands, key) {
  return [...commands.values()].filter((command) => command.story_keys.includes(key));
}

/** The agent of the runner's own commands, which use no agent. */
export const RUNNER = "runner";

/**
 * How many commands of agents have ended without reporting a figure.
 * @param {Iterable<Record<string, any>>} commands
 * @param {string} figure "cost_usd", "tokens"
 */
export function countUnreported(commands, figure) {
  const isUnreported = (/** @type {Record<string, any>} */ command) =>
    command.ended_at !== null && command.agent !== RUNNER && command[figure] === null;
  return [...commands].filter(isUnreported).length;
}

/** @param {Envelope} event @returns {Command} */
function started(event) {
  const p = event.payload;
  return {
    command_id: p.command_id,
    command: p.command,
    story_keys: p.story_keys ?? [p.story_key],
    attempt: p.attempt ?? 1,
    status: "running",
    verdict: "",
    reason: "",
    background: p.background ?? false,
    started_at: event.timestamp,
    ended_at: null,
    cost_usd: null,
    seq: event.seq,
    agent: p.agent ?? "",
    model: p.model ?? null,
    tokens: null,
    estimated_usd: null,
    cycle: p.cycle_number ?? null,
    machine: p.machine ?? null,
  };
}

/** @param {Command} command @param {Envelope} event @returns {Command} */
function ended(command, event) {
  const p = event.payload;
  return {
    ...command,
    status: p.status,
    verdict: p.verdict ?? "",
    reason: p.reason ?? "",
    ended_at: event.timestamp,
    cost_usd: p.metrics?.cost_usd ?? null,
    seq: event.seq,
    model: p.model ?? command.model,
    estimated_usd: p.metrics?.estimated_usd ?? null,
    tokens: p.metrics?.output_tokens === undefined ? null : allTokens(p.metrics),
  };
}

/** @param {Map<number, Command>} commands are changed @param {Envelope} event */
function interrupt(commands, event) {
  for (const [id, command] of commands) {
    // A worker goes on with its command when the server ends.
    if (command.status === "running" && command.machine === null)
      commands.set(id, { ...command, status: "interrupted", ended_at: event.timestamp, seq: event.seq });
  }
}
