// @ts-check
/** The figures beside the state of the run: cost against the budgets, time. What no budget limits has no bar. */
import { attr, byId, show, text } from "../kit/dom.js";
import { allTokens, count, money, partialSum, stopwatch, UNKNOWN } from "../kit/format.js";
import { countUnreported } from "../shell/command-list.js";

/** @typedef {import("../shell/model.js").Model} Model */

/** From this share of the budget on the bar warns; the server warns at the same. */
const BUDGET_WARNS = 0.8;

/** @returns {import("./run.js").Part} */
export function createFigures() {
  /** @type {Model | null} */
  let last = null;
  /** @param {Model} model @param {number} now */
  function time({ run: { batch, state }, lastAt }, now) {
    const end = batch?.ended_at ?? (state === "idle" ? lastAt : now);
    text(byId("tile-time"), batch ? stopwatch(end - batch.started_at) : UNKNOWN);
  }
  return {
    render(model, now) {
      if (last && last.run === model.run && last.ready === model.ready && last.commands === model.commands) return;
      last = model;
      show(byId("figures"), model.ready && model.run.batch !== null);
      renderMoney(model);
      renderTokens(model);
      time(model, now);
    },
    tick: time,
  };
}

/** @param {Model} model */
function renderMoney({ run, commands, spent: sinceInit, replaying }) {
  const live = run.operations.reduce((sum, operation) => sum + (operation.metrics.cost_usd ?? 0), 0);
  const spent = run.totals.cost_usd + live;
  const today = run.limits.today_usd + sinceInit + live;
  const budget = run.batch?.budget_usd ?? run.limits.budget_batch_usd;
  const daily = replaying ? null : run.limits.budget_day_usd;
  const unreported = countUnreported(commands.values(), "cost_usd");
  text(byId("tile-cost"), partialSum(money(spent, run.totals.estimated_usd), spent, unreported));
  text(byId("tile-cost-note"), budget ? shareText(spent, budget) : "");
  show(byId("tile-day"), Boolean(daily));
  text(byId("tile-day-cost"), money(today));
  text(byId("tile-day-note"), daily ? shareText(today, daily) : "");
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

/** Tokens change no decision: they are named where the cost is pointed at. @param {Model} model */
function renderTokens({ run, commands }) {
  const all = [run.totals, ...run.operations.map((operation) => operation.metrics)];
  const unreported = countUnreported(commands.values(), "tokens");
  const sum = (/** @type {(m: any) => number} */ of) => {
    const total = all.reduce((before, m) => before + (of(m) || 0), 0);
    return partialSum(count(total), total, unreported);
  };
  const words = [
    `${sum(allTokens)} tokens`,
    `${sum((m) => m.cache_read_tokens)} of them read from the cache`,
    `${sum((m) => m.output_tokens)} output tokens`,
  ];
  attr(byId("tile-cost"), "title", words.join(", "));
}
