// @ts-check
/** The model of the page: what every view is given. A pure reducer makes the next one from an action. */

import { apply } from "../state.js";
import { fromInit, initial } from "../state-initial.js";
import { applyEvents, NO_COMMANDS, withHistory } from "./command-list.js";
import { NO_PLAN } from "./plan.js";

/** @typedef {import("../state.js").Envelope} Envelope */
/**
 * @typedef {{run: import("../state.js").RunState, commands: import("./command-list.js").CommandList,
 *   plan: import("./plan.js").Plan, counts: import("./plan.js").Counts, link: import("./socket.js").Link,
 *   epoch: string, ready: boolean, lastMessageAt: number, lastAt: number, spent: number, replaying: boolean}} Model
 *   `epoch` of the database, `ready` once the server has sent its state, `lastMessageAt` when the server last sent
 *   anything (ms), `lastAt` when the last event happened (ms), `spent` the cost that was booked since the server
 *   reported that of today (US dollars)
 * @typedef {{type: "init", payload: Record<string, any>, at: number}
 *   | {type: "events", events: readonly Envelope[]}
 *   | {type: "history", batch: number, events: readonly Envelope[]}
 *   | {type: "message", at: number}
 *   | {type: "link", link: import("./socket.js").Link, at: number}
 *   | {type: "plan", plan: import("./plan.js").Plan}
 *   | {type: "agent", agent: import("../state.js").RunState["agent"]}
 *   | {type: "problem", problem: string | null}} Action
 *   `at` is the time of the message, in epoch ms
 */

/** Events that book money. */
const BOOKING = new Set(["command:end", "context:complete"]);

/** The model before the server has sent anything. @param {number} now ms @returns {Model} */
export function initialModel(now) {
  return {
    run: initial(),
    commands: NO_COMMANDS,
    plan: NO_PLAN,
    counts: NO_PLAN.counts,
    epoch: "",
    ready: false,
    lastMessageAt: 0,
    lastAt: 0,
    spent: 0,
    replaying: false,
    link: { kind: "connecting", since: now, retryAt: null, lost: false },
  };
}

/** @param {Model} model @param {Action} action @returns {Model} */
export function reduce(model, action) {
  switch (action.type) {
    case "init":
      return reduceInit(model, action.payload, action.at);
    case "events":
      return reduceEvents(model, action.events);
    case "history":
      return reduceHistory(model, action.batch, action.events);
    case "message":
      return { ...model, lastMessageAt: action.at };
    case "link":
      return reduceLink(model, action.link, action.at);
    case "plan":
      return { ...model, plan: action.plan, counts: action.plan.sprint ? action.plan.counts : model.counts };
    case "agent":
      return { ...model, run: { ...model.run, agent: action.agent } };
    case "problem":
      if (action.problem === model.run.problem) return model;
      return { ...model, run: { ...model.run, problem: action.problem } };
  }
}

/** @param {Model} model @param {Record<string, any>} payload of `init` @param {number} at @returns {Model} */
function reduceInit(model, payload, at) {
  const run = fromInit(payload);
  return {
    ...model,
    run,
    // Another epoch is another database: its command ids mean other commands.
    commands: payload.epoch === model.epoch ? model.commands : NO_COMMANDS,
    epoch: payload.epoch,
    ready: true,
    lastMessageAt: at,
    lastAt: payload.events.at(-1)?.timestamp ?? 0,
    spent: 0,
    counts: model.plan.sprint ? model.counts : { held: 0, ...run.plan },
  };
}

/** @param {Model} model @param {readonly Envelope[]} events in order @returns {Model} */
function reduceEvents(model, events) {
  if (!events.length) return model;
  return {
    ...model,
    run: events.reduce(apply, model.run),
    commands: applyEvents(model.commands, events),
    spent: model.spent + events.reduce((sum, event) => sum + costOf(event), 0),
    lastAt: events[events.length - 1].timestamp,
  };
}

/** @param {Envelope} event */
function costOf({ type, payload }) {
  return BOOKING.has(type) ? (payload.metrics?.cost_usd ?? 0) : 0;
}

/** @param {Model} model @param {number} batch @param {readonly Envelope[]} events fetched @returns {Model} */
function reduceHistory(model, batch, events) {
  return model.run.batch?.id === batch ? { ...model, commands: withHistory(model.commands, events) } : model;
}

/** @param {Model} model @param {import("./socket.js").Link} link @param {number} at @returns {Model} */
function reduceLink(model, link, at) {
  const changesLive = model.link.kind === "live" || link.kind === "live";
  return { ...model, link, lastMessageAt: changesLive ? at : model.lastMessageAt };
}
