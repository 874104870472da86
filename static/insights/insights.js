// @ts-check
/**
 * The Insights tab: cost, tokens and time, reviews, and stories done. Each panel is a chart, its table and its CSV, all
 * from one answer of `GET /api/insights`; the page estimates nothing.
 */

import { catchApiError, get } from "../kit/api.js";
import { patterns } from "../kit/charts.js";
import { createCostLines } from "../kit/cost-lines.js";
import { byId, h, list, show, text } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { urlParams } from "../kit/url-params.js";
import { InsightsFilter } from "./insights-filter.js";
import { MEASURES } from "./measures.js";
import { panelsOf } from "./panel-catalog.js";
import { PanelView } from "./panel-view.js";
import { beforeText, boundsOf, periodText } from "./period.js";
import { quotaPanels } from "./quota-panels.js";
import { summary } from "./summary.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("./measures.js").Insights} InsightsAnswer */
/** @typedef {import("./panel-catalog.js").Panel} Panel */
/** @typedef {import("./summary.js").Fact} Fact */

/** Least time between two reads while a batch runs, in ms. */
const READ_MS = 2_000;
/** Batches to choose from. */
const BATCHES_MOST = 200;
/** Days of usage windows that are shown where no number of days is chosen, and at most. */
const [QUOTA_DAYS, QUOTA_DAYS_MOST] = [30, 400];
const DAY_MS = 86_400_000;

export class Insights {
  #filter = new InsightsFilter({ onMeasure: () => this.#draw(), onFilter: () => this.#read() });
  #intro = h("p", { class: "insights-words", id: "insights-words" });
  #tiles = h("dl", { class: "tiles insights-tiles", id: "insights-tiles", hidden: true });
  #wide = h("div", { class: "panels-wide" });
  #narrow = h("div", { class: "panels" });
  #grid = h("div", { id: "panels" }, this.#wide, this.#narrow);
  #dayCost = createDayCost();
  #facts = list(this.#tiles, (/** @type {Fact} */ fact) => fact.words, createFact);
  #onRange = (/** @type {string} */ first, /** @type {string} */ last) =>
    this.#filter.chooseRange(first, last, () => this.#read());
  #widePanels = panelList(this.#wide, this.#onRange);
  #narrowPanels = panelList(this.#narrow, this.#onRange);
  /** @type {InsightsAnswer | null} */ #answer = null;
  /** The reports of usage windows, oldest first. @type {import("../state.js").UsageWindow[]} */ #quota = [];
  /** @type {Model | null} */ #model = null;
  /** What has happened by the last read. */
  #lastState = "";
  #readAt = 0;
  #timer = 0;
  /** The number of the newest read: answers to older ones are dropped. */
  #turn = 0;

  constructor() {
    byId("tab-insights").append(patterns(), this.#filter.el, this.#intro, this.#tiles, this.#grid, this.#dayCost);
    this.#grid.addEventListener("table-toggle", () => this.#writeOpenTables());
    this.#watchWidth();
  }

  /** Reads again when money was booked or a status has changed. @param {Model} model */
  render(model) {
    if (!model.ready) return;
    const isOtherPlan = this.#model?.plan !== model.plan;
    this.#model = model;
    const { batch, totals } = model.run;
    const state = `${batch?.id} ${batch?.status} ${totals.commands} ${model.counts.done}`;
    const changed = state !== this.#lastState;
    this.#lastState = state;
    const update = this.#filter.update();
    if (update === "filter") this.#read();
    else if (update === "measure") this.#draw();
    else if (changed && !this.#timer) this.#readSoon();
    else if (isOtherPlan) this.#draw();
  }

  tick() {}

  #readSoon() {
    const wait = Math.max(0, this.#readAt + READ_MS - Date.now());
    this.#timer = window.setTimeout(() => this.#read(), wait);
  }

  async #read() {
    this.#timer = 0;
    this.#readAt = Date.now();
    const turn = ++this.#turn;
    const requests = Promise.all([
      get(`/api/insights?${this.#filter.query()}`),
      get(`/api/batches?limit=${BATCHES_MOST}`),
      get(`/api/quota?days=${quotaDays(this.#filter.filter)}`),
    ]);
    const answers = await catchApiError(requests, (error) => {
      if (turn === this.#turn) this.#fail(error);
      return null;
    });
    if (!answers || turn !== this.#turn) return;
    this.#answer = answers[0];
    this.#quota = answers[2].history;
    this.#filter.offer(answers[1].batches);
    this.#draw();
  }

  /** @param {import("../kit/api.js").ApiError} error */
  #fail(error) {
    text(this.#intro, error.message);
    if (!error.status) return;
    this.#answer = null;
    for (const el of [this.#tiles, this.#grid, this.#dayCost]) show(el, false);
  }

  #draw() {
    if (!this.#model || !this.#answer) return;
    const answer = this.#answer;
    const { filter } = this.#filter;
    // They belong to accounts, not to batches.
    const quota = filter.batch ? [] : quotaPanels(this.#quota, filter, serverNow());
    this.#drawPanels([...panelsOf(answer, this.#context(this.#model, answer)), ...quota]);
    this.#facts.render(summary(answer));
    show(this.#tiles, answer.total.length > 0);
    show(this.#dayCost, answer.total.length > 0);
    show(this.#grid, answer.total.length > 0 || answer.burn_up.points.length > 0);
    text(this.#intro, introText(answer, filter));
  }

  /** @param {Model} model @param {InsightsAnswer} answer @returns {import("./panel-catalog.js").Context} */
  #context({ plan, counts }, { budgets }) {
    return {
      measure: MEASURES[this.#filter.measure],
      titleOf: (key) => plan.byKey.get(key)?.title ?? "",
      goal: counts.total,
      done: counts.done,
      filter: this.#filter.filter,
      now: serverNow(),
      budgets,
    };
  }

  /** @param {Panel[]} panels */
  #drawPanels(panels) {
    const open = new Set((urlParams().get("tables") ?? "").split("."));
    const all = panels.map((panel) => ({ ...panel, open: open.has(panel.id) }));
    this.#widePanels.render(all.filter((panel) => panel.wide));
    this.#narrowPanels.render(all.filter((panel) => !panel.wide));
  }

  #writeOpenTables() {
    const panels = [...this.#widePanels.views(), ...this.#narrowPanels.views()];
    const open = panels.filter((panel) => panel.open).map((panel) => panel.id);
    this.#filter.write({ tables: open.join(".") });
  }

  #watchWidth() {
    let width = 0;
    new ResizeObserver(() => {
      const { clientWidth } = this.#grid;
      if (clientWidth && clientWidth !== width) this.#draw();
      width = clientWidth;
    }).observe(this.#grid);
  }
}

/** Days of usage windows to ask for, which reach back to the first one that is shown. @param {import("./period.js").Filter} filter */
function quotaDays(filter) {
  const { since } = boundsOf(filter, serverNow());
  return since ? Math.min(QUOTA_DAYS_MOST, Math.max(1, Math.ceil((serverNow() - since) / DAY_MS))) : QUOTA_DAYS;
}

/** What the money of one day went for, that is chosen beside it. */
function createDayCost() {
  const day = /** @type {HTMLInputElement} */ (h("input", { type: "date", id: "cost-day" }));
  const cost = createCostLines(() => `/api/cost?day=${day.value}`, "days");
  day.addEventListener("change", () => cost.reload());
  const label = h("label", { for: day.id, text: "Day, today where none is chosen" });
  return h(
    "section",
    { class: "panel day-cost", hidden: true },
    h("h3", { text: "Cost of a day" }),
    label,
    day,
    cost.el,
  );
}

/** @param {HTMLElement} place @param {(first: string, last: string) => void} onRange */
function panelList(place, onRange) {
  return list(
    place,
    (/** @type {Panel} */ panel) => panel.id,
    (panel) => new PanelView(panel.id, onRange),
  );
}

/** @param {InsightsAnswer} answer @param {import("./period.js").Filter} filter */
function introText({ total: [all], before }, filter) {
  const where = [filter.batch && `in batch ${filter.batch}`, periodText(filter)].filter(Boolean).join(" ");
  if (!all && where) return `No command ran ${where}.`;
  if (!all)
    return (
      "No command has run yet. " +
      "After the first batch, this tab shows what it cost, how long it took and how its reviews went."
    );
  const running = all.running ? `; ${count(all.running)} still running, counted when ended` : "";
  const commands = `${plural(all.commands, "command")} ${where || "of all batches"}`;
  const compared = before?.total.length ? `, ${beforeText(filter, before, serverNow())}` : "";
  return `${commands}${running}${compared}. Days begin at midnight on the server.`;
}

/** @param {Fact} first */
function createFact(first) {
  const value = h("b");
  const before = h("span", { class: "tile-before" });
  const note = h("span");
  return {
    el: h("div", { class: "tile" }, h("dt", { text: first.words }), h("dd", {}, value, before, note)),
    /** @param {Fact} fact */
    update(fact) {
      text(value, fact.value);
      text(before, fact.before);
      text(note, fact.note);
    },
  };
}
