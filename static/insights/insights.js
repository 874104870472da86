// @ts-check
/**
 * The Insights tab: where money, tokens and time went, how reviews went, how stories were finished. Each panel is a
 * chart, its table and its CSV, all from one answer of `GET /api/insights`; nothing is estimated in the page.
 */

import { ApiError, get } from "../kit/api.js";
import { patterns } from "../kit/charts.js";
import { byId, h, list, show, text } from "../kit/dom.js";
import { count, day, plural } from "../kit/format.js";
import { recall, remember } from "../kit/storage.js";
import { amend, here, whole } from "../kit/url-params.js";
import { MEASURES, summary } from "./ledger.js";
import { panelsOf } from "./panel-catalog.js";
import { createPanel } from "./panel-view.js";

/** @typedef {import("../shell/app.js").Model} Model */

/** Least time between two reads while a batch runs, in ms. */
const CALM_MS = 2_000;
/** Batches offered in the filter. */
const BATCHES_MOST = 200;
const PERIODS = [
  ["", "All time"],
  ["1", "Today"],
  ["7", "Last 7 days"],
  ["30", "Last 30 days"],
  ["90", "Last 90 days"],
];

export function createInsights() {
  const root = byId("tab-insights");
  const measures = h(
    "div",
    { class: "segments", role: "radiogroup", "aria-label": "What is measured" },
    ...Object.entries(MEASURES).map(([name, { words }]) =>
      h("label", {}, h("input", { type: "radio", name: "insights-measure", value: name }), h("span", { text: words })),
    ),
  );
  const batch = h(
    "select",
    { id: "insights-batch", "aria-label": "Batch" },
    h("option", { value: "", text: "All batches" }),
  );
  const period = h(
    "select",
    { id: "insights-days", "aria-label": "Period" },
    ...PERIODS.map(([value, words]) => h("option", { value, text: words })),
  );
  const words = h("p", { class: "insights-words", id: "insights-words" });
  const tiles = h("dl", { class: "tiles insights-tiles", id: "insights-tiles", hidden: true });
  const first = h("div", { class: "panels-wide" });
  const others = h("div", { class: "panels" });
  const grid = h("div", { id: "panels" }, first, others);
  const facts = list(tiles, (/** @type {string[]} */ fact) => fact[0], createFact);
  const lists = [first, others].map((place) =>
    list(
      place,
      (/** @type {import("./panel-catalog.js").Panel} */ panel) => panel.id,
      (panel) => createPanel(panel.id),
    ),
  );
  root.append(
    patterns(),
    h("div", { class: "insights-bar" }, measures, h("div", { class: "insights-filter" }, batch, period)),
    words,
    tiles,
    grid,
  );

  /** @type {import("./ledger.js").Insights | null} */
  let insights = null;
  /** @type {Model | null} */
  let shown = null;
  let known = "";
  let readAt = 0;
  let timer = 0;
  let reading = 0;
  /** @type {string | null} */
  let drawn = null;

  const measure = () => {
    const named = here().get("by") ?? recall("insights.by", "cost");
    return named in MEASURES ? named : "cost";
  };

  function draw() {
    if (!shown || !insights) return;
    const { plan, counts } = shown;
    const by = measure();
    const titleOf = (/** @type {string} */ key) => plan.byKey.get(key)?.title ?? "";
    const filter = { batch: whole(here().get("batch")), days: whole(here().get("days")) };
    const made = panelsOf(insights, {
      measure: MEASURES[by],
      titleOf,
      goal: counts.total,
      done: counts.done,
      filter,
      now: Date.now(),
    });
    const open = new Set((here().get("tables") ?? "").split("."));
    facts.render(summary(insights));
    lists.forEach((panels, index) =>
      panels.render(
        made.filter((panel) => panel.wide === (index === 0)).map((panel) => ({ ...panel, open: open.has(panel.id) })),
      ),
    );
    show(tiles, insights.total.length > 0);
    show(grid, insights.total.length > 0 || insights.burn_up.points.length > 0);
    text(words, sentence(insights, filter));
  }

  async function read() {
    timer = 0;
    readAt = Date.now();
    const turn = ++reading;
    const query = new URLSearchParams(
      [...here()].filter(([name, value]) => (name === "batch" || name === "days") && whole(value)),
    );
    try {
      const [answer, { batches }] = await Promise.all([
        get(`/api/insights?${query}`),
        get(`/api/batches?limit=${BATCHES_MOST}`),
      ]);
      if (turn !== reading) return;
      insights = answer;
      offer(batches);
      draw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn !== reading) return;
      if (error.status) insights = null;
      text(words, error.message);
      if (error.status) for (const el of [tiles, grid]) show(el, false);
    }
  }

  /** @param {{id: number, started_at: number}[]} batches */
  function offer(batches) {
    const wanted = batches.map(({ id }) => id).join();
    const chosen = here().get("batch") ?? "";
    if (batch.dataset.choices !== wanted) {
      batch.replaceChildren(
        batch.options[0],
        ...batches.map(({ id, started_at: at }) => h("option", { value: id, text: `Batch ${id}, ${day(at)}` })),
      );
      batch.dataset.choices = wanted;
    }
    choose(batch, chosen, `Batch ${chosen}`);
  }

  /** The address has changed: another filter, another measure. */
  function follow() {
    const query = here().toString();
    if (query === drawn) return false;
    const filters = (/** @type {string} */ text) =>
      ["batch", "days"].map((name) => new URLSearchParams(text).get(name)).join();
    const again = drawn === null || filters(query) !== filters(drawn);
    drawn = query;
    choose(batch, here().get("batch") ?? "", `Batch ${here().get("batch")}`);
    choose(period, here().get("days") ?? "", `Last ${here().get("days")} days`);
    const radio = /** @type {HTMLInputElement | null} */ (measures.querySelector(`input[value="${measure()}"]`));
    if (radio) radio.checked = true;
    if (again) read();
    else draw();
    return true;
  }

  measures.addEventListener("change", (event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    remember("insights.by", value);
    amend({ by: value === "cost" ? null : value });
    drawn = here().toString();
    draw();
  });
  for (const [select, name] of /** @type {const} */ ([
    [batch, "batch"],
    [period, "days"],
  ])) {
    select.addEventListener("change", () => {
      amend({ [name]: select.value });
      drawn = here().toString();
      read();
    });
  }
  grid.addEventListener("fold", () => {
    amend({
      tables: lists
        .flatMap((panels) => [...panels.views()])
        .filter((panel) => panel.open)
        .map((panel) => panel.id)
        .join("."),
    });
    drawn = here().toString();
  });
  let width = 0;
  new ResizeObserver(() => {
    if (grid.clientWidth !== width && grid.clientWidth) draw();
    width = grid.clientWidth;
  }).observe(grid);

  return {
    /** Reads again when something was booked or a status moved. @param {Model} model */
    render(model) {
      if (!model.ready) return;
      const replan = shown?.plan !== model.plan;
      shown = model;
      const now = `${model.run.batch?.id} ${model.run.batch?.status} ${model.run.totals.commands} ${model.counts.done}`;
      const changed = now !== known;
      known = now;
      if (follow()) return;
      if (changed && !timer) timer = window.setTimeout(read, Math.max(0, readAt + CALM_MS - Date.now()));
      else if (replan) draw();
    },
    tick() {},
  };
}

/**
 * Chooses a value, also one that the list does not offer.
 * @param {HTMLSelectElement} select
 * @param {string} value
 * @param {string} words
 */
function choose(select, value, words) {
  if (![...select.options].some((option) => option.value === value)) select.append(h("option", { value, text: words }));
  select.value = value;
}

/** @param {import("./ledger.js").Insights} insights @param {{batch: number | null, days: number | null}} filter */
function sentence({ total: [all] }, { batch, days }) {
  const where = [batch && `in batch ${batch}`, days && (days === 1 ? "today" : `in the last ${days} days`)]
    .filter(Boolean)
    .join(" ");
  if (!all)
    return where
      ? `No command ran ${where}.`
      : "No command has run yet. After the first batch, this tab tells what it cost, how long it took and how its reviews went.";
  return `${plural(all.commands, "command")} ${where || "of all batches"}${all.running ? `; ${count(all.running)} still running, counted when ended` : ""}. Days begin at midnight on the server.`;
}

/** @param {string[]} first */
function createFact(first) {
  const value = h("b");
  const note = h("span");
  return {
    el: h("div", { class: "tile" }, h("dt", { text: first[0] }), h("dd", {}, value, note)),
    /** @param {string[]} fact */
    update(fact) {
      text(value, fact[1]);
      text(note, fact[2]);
    },
  };
}
