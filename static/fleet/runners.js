// @ts-check
/** The runners of the fleet as its server sends them: a pure reducer of its messages, and what they add up to. */
import { fromInit } from "../state-initial.js";

/** @typedef {import("../state.js").RunState} RunState */
/**
 * @typedef {{project: string, machine: string, folder: string, branch: string | null, started_at: number}} RunnerInfo
 * @typedef {{id: string, info: RunnerInfo, heard_at: number, lost: string | null, epoch: string,
 *   run: RunState | null}} Runner
 * @typedef {{running: number, all: number, lost: number, done: number, total: number, today: number}} Totals
 *   `running`: that work or wait, `today`: the cost of the day in US dollars
 */

/** States in which a runner works, or waits to go on by itself. */
const WORKING = new Set(["starting", "running", "pausing", "stopping", "waiting"]);

/** @param {Record<string, any>} payload of `init` @returns {Runner[]} */
export function runnersOf(payload) {
  return payload.run.runners.map(known);
}

/** @param {readonly Runner[]} runners @param {{type: string, payload: any}} message @returns {readonly Runner[]} */
export function applyMessage(runners, { type, payload }) {
  switch (type) {
    case "runner":
      return ordered([...runners.filter(({ id }) => id !== payload.id), known(payload)]);
    case "runner:run":
      return runners.map((runner) => (runner.id === payload.id ? withChanges(runner, payload) : runner));
    case "runner:removed":
      return runners.filter(({ id }) => id !== payload.id);
    default:
      return runners;
  }
}

/** @param {Runner} runner as it was sent @returns {Runner} */
function known(runner) {
  return { ...runner, run: runner.run && fromInit({ run: runner.run }) };
}

/** @param {Runner} runner @param {{heard_at: number, run: Partial<RunState>}} change @returns {Runner} */
function withChanges(runner, { heard_at, run }) {
  return { ...runner, heard_at, run: runner.run && { ...runner.run, ...run } };
}

/** By the names of their projects, as the server has them. @param {Runner[]} runners */
function ordered(runners) {
  const nameOf = (/** @type {Runner} */ runner) => runner.info.project.toLowerCase();
  const byName = (/** @type {Runner} */ a, /** @type {Runner} */ b) => compare(nameOf(a), nameOf(b));
  return runners.sort((a, b) => byName(a, b) || compare(a.id, b.id));
}

/** @param {string} a @param {string} b */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The path of a runner's page. @param {string} id */
export function pathOf(id) {
  return `/r/${id}`;
}

/** Whether something goes on there, as far as is known. @param {Runner} runner */
export function isWorking({ run, lost }) {
  return lost === null && run !== null && WORKING.has(run.state);
}

/** @param {readonly Runner[]} runners @returns {Totals} */
export function totalsOf(runners) {
  const runs = runners.flatMap(({ run }) => run ?? []);
  const sum = (/** @type {(run: RunState) => number} */ of) => runs.reduce((all, run) => all + of(run), 0);
  return {
    running: runners.filter(isWorking).length,
    all: runners.length,
    lost: runners.filter(({ lost }) => lost !== null).length,
    done: sum((run) => run.plan.done),
    total: sum((run) => run.plan.total),
    today: sum((run) => run.limits.today_usd),
  };
}

/** The command that runs for the operator's stories, before those in the background. @param {RunState} run */
export function currentOperation({ operations }) {
  return operations.find(({ background }) => !background) ?? operations[0] ?? null;
}

/** The window of the account in use that is used most. @param {RunState} run @param {number} now */
export function fullestWindow({ quota }, now) {
  const known = quota.filter(({ resets_at }) => resets_at === null || resets_at > now);
  const last = known.reduce((a, b) => (b.at > a.at ? b : a), known[0]);
  const own = known.filter(({ account }) => account === last.account);
  return own.reduce((a, b) => (b.used_fraction > a.used_fraction ? b : a), own[0]) ?? null;
}
