// @ts-check
/** The Run tab without its log: what needs the operator, the figures, and what runs now. */
import { attr, byId, h, list, show, style, text } from "./dom.js";
import { allTokens, clock, count, money, plural, shortCommand, shortKey, stopwatch, tokens, UNKNOWN } from "./format.js";
import { titleOf } from "./plan.js";
import { createStories } from "./stories.js";
import { announce } from "./notice.js";

/** @typedef {import("./app.js").Model} Model */
/** @typedef {import("./state.js").Operation} Operation */
/** @typedef {import("./state.js").Attention} Attention */

/** From this share of the budget on the bar warns; the server warns at the same. */
const BUDGET_WARNS = 0.8;

/** @returns {{render: (model: Model, now: number) => void, tick: (model: Model, now: number) => void}} */
export function createRun() {
  /** @type {Part[]} */
  const parts = [createAttention(), createTiles(), createOperations(), createStories()];
  return {
    render: (model, now) => parts.forEach((part) => part.render(model, now)),
    tick: (model, now) => parts.forEach((part) => part.tick?.(model, now)),
  };
}

/** @typedef {{render: (model: Model, now: number) => void, tick?: (model: Model, now: number) => void}} Part */

/** @returns {Part} */
function createAttention() {
  /** @type {unknown[]} */
  let last = [];
  let known = 0;
  const rows = list(byId("attention-list"), (/** @type {Attention} */ item) => `${item.at} ${item.kind} ${item.message}`, createNeed);
  return {
    render({ run, plan }) {
      const seen = [run.attention, run.agent, plan.error, run.problem];
      if (seen.every((value, index) => value === last[index])) return;
      last = seen;
      const needs = [...standing(run.problem, run.agent.problem, plan.error), ...[...run.attention].reverse()];
      if (needs.length > known) announce(`Needs you: ${needs[0].message}`);
      known = needs.length;
      rows.render(needs);
      show(byId("attention"), needs.length > 0);
    },
  };
}

/** What is wrong as long as it lasts, whatever the run does. @param {(string | null)[]} messages @returns {Attention[]} */
function standing(...messages) {
  return messages.flatMap((message) => (message ? [{ kind: "standing", message, story_key: null, at: 0 }] : []));
}

/** @param {Attention} item */
function createNeed(item) {
  const link = { class: "key", href: `#run?story=${encodeURIComponent(item.story_key ?? "")}`, text: shortKey(item.story_key ?? "") };
  const when = h("time", { text: item.at ? clock(item.at) : "" });
  return { el: h("li", {}, item.story_key && h("a", link), h("p", { text: item.message }), when), update() {} };
}

/** @returns {Part} */
function createTiles() {
  /** @type {Model | null} */
  let last = null;
  /** @param {Model} model @param {number} now */
  function time({ run: { batch, state }, lastAt }, now) {
    const end = batch?.ended_at ?? (state === "idle" ? lastAt : now);
    text(byId("tile-time"), batch ? stopwatch(end - batch.started_at) : UNKNOWN);
  }
  return {
    render(model, now) {
      if (last && last.run === model.run && last.counts === model.counts) return;
      last = model;
      renderProgress(model);
      renderMoney(model);
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
  const bar = /** @type {HTMLProgressElement} */ (byId("tile-done-bar"));
  attr(bar, "max", counts.total || 1);
  attr(bar, "value", counts.done);
  const { batch } = run;
  const cycles = batch && (batch.max_cycles === "all" ? plural(batch.cycles_completed, "cycle") : `${batch.cycles_completed} of ${plural(batch.max_cycles, "cycle")}`);
  text(byId("tile-time-note"), cycles ? `${cycles} completed` : "");
}

/** @param {Model} model */
function renderMoney({ run, ready, spent: sinceInit, past }) {
  const live = run.operations.reduce((sum, operation) => sum + (operation.metrics.cost_usd ?? 0), 0);
  const spent = run.totals.cost_usd + live;
  const today = run.limits.today_usd + sinceInit + live;
  const budget = run.batch?.budget_usd ?? run.limits.budget_batch_usd;
  text(byId("tile-cost"), ready ? money(spent) : UNKNOWN);
  text(byId("tile-cost-note"), budget ? `of ${money(budget)}` : past ? "" : `${money(today)} today`);
  const bar = byId("tile-cost-bar");
  show(bar, Boolean(budget));
  attr(bar, "max", budget ?? 1);
  attr(bar, "value", Math.min(spent, budget ?? 1));
  attr(bar, "data-tone", budget && spent >= budget ? "bad" : budget && spent >= budget * BUDGET_WARNS ? "hold" : null);
  const sums = sumTokens(run);
  text(byId("tile-tokens"), ready ? tokens(sums.all) : UNKNOWN);
  text(byId("tile-tokens-note"), sums.all ? `${tokens(sums.output)} written` : "");
  attr(byId("tile-tokens"), "title", `${count(sums.all)} tokens, ${count(sums.cached)} of them read from the cache`);
}

/** With those of commands that still run. @param {import("./state.js").RunState} run */
function sumTokens(run) {
  const all = [run.totals, ...run.operations.map((operation) => operation.metrics)];
  const sum = (/** @type {(m: any) => number} */ of) => all.reduce((total, m) => total + (of(m) || 0), 0);
  return { all: sum(allTokens), output: sum((m) => m.output_tokens), cached: sum((m) => m.cache_read_tokens) };
}

/** @returns {Part} */
function createOperations() {
  /** @type {unknown[]} */
  let last = [];
  let rows = 0;
  /** @type {number | null} */
  let batch = null;
  /** @type {Model} */
  let shown;
  const cards = list(byId("operations"), (/** @type {Operation} */ operation) => operation.command_id, (operation) => createCard(operation, () => shown));
  return {
    render(model, now) {
      const { run, plan } = model;
      if (last[0] === run.operations && last[1] === plan && last[2] === run.state && last[3] === model.ready) return;
      last = [run.operations, plan, run.state, model.ready];
      shown = model;
      cards.render(foregroundFirst(run.operations));
      for (const card of cards.views()) card.tick(now);
      rows = run.batch?.id === batch && run.state !== "idle" ? Math.max(rows, run.operations.length) : run.operations.length;
      batch = run.batch?.id ?? null;
      const room = Math.max(rows, run.state === "idle" ? 1 : 2);
      style(byId("now"), "--rows", String(room));
      attr(byId("now"), "data-room", room > Math.max(1, run.operations.length));
      show(byId("now-empty"), !run.operations.length);
      text(byId("now-empty"), idleReason(model));
    },
    tick(_, now) {
      for (const card of cards.views()) card.tick(now);
    },
  };
}

/** What the run waits for stands on top. @param {readonly Operation[]} operations */
function foregroundFirst(operations) {
  return [...operations].sort((a, b) => Number(a.background) - Number(b.background));
}

/** Why nothing runs. @param {Model} model */
function idleReason({ run, ready }) {
  if (!ready) return "";
  switch (run.state) {
    case "running": return run.context ? run.context.message || "The project context is being written." : "Choosing what comes next.";
    case "paused": return "Paused. Nothing runs until you press Resume.";
    case "waiting": return "Waiting for the usage limit. It goes on by itself.";
    case "starting": return "Checking the project and the agent.";
    default: return run.batch ? "Nothing runs." : "Nothing runs yet. Press Start, and what the agent does is shown here.";
  }
}

/** @param {Operation} first @param {() => Model} model */
function createCard(first, model) {
  const story = h("a", { class: "key", href: `#run?story=${encodeURIComponent(first.story_key)}`, text: shortKey(first.story_key) });
  const title = h("span", { class: "title" });
  const time = h("time", { class: "operation-time" });
  const [who, attempt, task] = [h("span"), h("span"), h("span")];
  const spent = h("span", { class: "spent" });
  const line = h("p", { class: "operation-line" });
  const el = h("li", { class: first.background ? "operation background" : "operation", "data-command": first.command_id },
    h("div", { class: "operation-name" }, h("b", { text: shortCommand(first.command) }), first.story_key && story, title, first.background && h("span", { class: "badge", text: "background" })),
    time, h("div", { class: "operation-facts" }, who, attempt, task, spent), line);
  const card = {
    el, startedAt: first.started_at,
    /** @param {Operation} operation */
    update(operation) {
      const others = operation.story_keys.filter((key) => key !== operation.story_key).map(shortKey);
      text(title, others.length ? `and ${others.join(", ")}` : operation.story_key ? titleOf(model().plan, operation.story_key) : "");
      text(who, [operation.agent, operation.model].filter(Boolean).join(" · "));
      text(attempt, operation.attempt > 1 ? `attempt ${operation.attempt}` : "");
      text(task, operation.task_id && `task ${operation.task_id}`);
      const used = allTokens(operation.metrics);
      text(spent, [used ? `${tokens(used)} tokens` : "", operation.metrics.cost_usd === undefined ? "" : money(operation.metrics.cost_usd)].filter(Boolean).join(" · "));
      text(line, operation.message || "Started");
      attr(line, "title", operation.message);
    },
    /** @param {number} now */
    tick(now) {
      text(time, stopwatch(now - card.startedAt));
    },
  };
  return card;
}
