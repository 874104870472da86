// @ts-check
/** The four figures of the Run tab: stories, cost against the budgets, tokens, time. */
import { attr, byId, show, text } from "../kit/dom.js";
import { allTokens, count, money, partialSum, plural, stopwatch, tokens, UNKNOWN } from "../kit/format.js";
import { countUnreported } from "../shell/command-list.js";
import { makesPlan } from "./run-text.js";

/** @typedef {import("../shell/model.js").Model} Model */

/** From this share of the budget on the bar warns; the server warns at the same. */
const BUDGET_WARNS = 0.8;

/** @returns {import("./run.js").Part} */
export function createTiles() {
  /** @type {Model | null} */
  let last = null;
  /** @param {Model} model @param {number} now */
  function time({ run: { batch, state }, lastAt }, now) {
    const end = batch?.ended_at ?? (state === "idle" ? lastAt : now);
    text(byId("tile-time"), batch ? stopwatch(end - batch.started_at) : UNKNOWN);
  }
  return {
    render(model, now) {
      if (last && last.run === model.run && last.counts === model.counts && last.commands === model.commands) return;
      last = model;
      renderProgress(model);
      renderMoney(model);
      renderTokens(model);
      time(model, now);
    },
    tick: time,
  };
}

/** @param {Model} model */
function renderProgress({ run, counts, ready }) {
  text(byId("tile-done"), ready ? `${counts.done} of ${counts.total}` : UNKNOWN);
  const here = run.batch ? `${run.totals.stories_done} in this batch` : "";
  text(byId("tile-done-note"), [here, counts.blocked && `${counts.blocked} blocked`].filter(Boolean).join(", "));
  const bar = byId("tile-done-bar");
  attr(bar, "max", counts.total || 1);
  attr(bar, "value", counts.done);
  const { batch } = run;
  const cycles =
    !makesPlan(batch) &&
    batch &&
    (batch.max_cycles === "all"
      ? plural(batch.cycles_completed, "cycle")
      : `${batch.cycles_completed} of ${plural(batch.max_cycles, "cycle")}`);
  text(byId("tile-time-note"), cycles ? `${cycles} completed` : "");
}

/** @param {Model} model */
function renderMoney({ run, commands, ready, spent: sinceInit, replaying }) {
  const live = run.operations.reduce((sum, operation) => sum + (operation.metrics.cost_usd ?? 0), 0);
  const spent = run.totals.cost_usd + live;
  const today = run.limits.today_usd + sinceInit + live;
  const budget = run.batch?.budget_usd ?? run.limits.budget_batch_usd;
  const daily = replaying ? null : run.limits.budget_day_usd;
  text(
    byId("tile-cost"),
    ready
      ? partialSum(money(spent, run.totals.estimated_usd), spent, countUnreported(commands.values(), "cost_usd"))
      : UNKNOWN,
  );
  text(byId("tile-cost-note"), budget ? shareText(spent, budget) : "");
  text(
    byId("tile-day-note"),
    replaying || !ready ? "" : daily ? `${money(today)} today, ${shareText(today, daily)}` : `${money(today)} today`,
  );
  renderBar("tile-cost-bar", spent, budget);
  renderBar("tile-day-bar", today, daily);
}

/** "of $5.00 (24 %)". @param {number} spent @param {number} budget */
function shareText(spent, budget) {
  return `of ${money(budget)} (${Math.floor((spent / budget) * 100)} %)`;
}

/** @param {string} id @param {number} spent @param {number | null} budget */
function renderBar(id, spent, budget) {
  const bar = byId(id);
  show(bar, Boolean(budget));
  if (!budget) return;
  attr(bar, "max", budget);
  attr(bar, "value", Math.min(spent, budget));
  attr(bar, "aria-valuetext", `${money(spent)} ${shareText(spent, budget)}`);
  attr(bar, "data-tone", spent >= budget ? "bad" : spent >= budget * BUDGET_WARNS ? "warn" : null);
}

/** @param {Model} model */
function renderTokens({ run, commands, ready }) {
  const sums = sumTokens(run);
  text(
    byId("tile-tokens"),
    ready ? partialSum(tokens(sums.all), sums.all, countUnreported(commands.values(), "tokens")) : UNKNOWN,
  );
  text(byId("tile-tokens-note"), sums.all ? `${tokens(sums.output)} written` : "");
  attr(byId("tile-tokens"), "title", `${count(sums.all)} tokens, ${count(sums.cached)} of them read from the cache`);
}

/** With those of commands that still run. @param {import("../state.js").RunState} run */
function sumTokens(run) {
  const all = [run.totals, ...run.operations.map((operation) => operation.metrics)];
  const sum = (/** @type {(m: any) => number} */ of) => all.reduce((total, m) => total + (of(m) || 0), 0);
  return { all: sum(allTokens), output: sum((m) => m.output_tokens), cached: sum((m) => m.cache_read_tokens) };
}
