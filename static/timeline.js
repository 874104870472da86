// @ts-check
/** The Timeline tab: the batch's commands on a time axis, a row for each story, growing live; and the same as a table. */
import { attr, byId, h, list, show, style, text } from "./dom.js";
import { clock, duration, money, shortCommand, shortKey, stopwatch } from "./format.js";
import { titleOf } from "./plan.js";
import { extent, marks, rowsOf } from "./span.js";
import { resultOf } from "./steps.js";

/** @typedef {import("./app.js").Model} Model */
/** @typedef {import("./steps.js").Step} Step */
/** @typedef {import("./span.js").Bar} Bar */
/** @typedef {import("./span.js").Row & {title: string, from: number}} Row */

/** Pixels between two marks of the axis, at least. */
const MARK_PX = 90;
const ZOOM_MOST = 64;

/** @param {{openStory: (key: string) => void}} actions */
export function createTimeline(actions) {
  const chart = byId("chart");
  const rows = list(byId("chart-rows"), (/** @type {Row} */ row) => row.key, (row) => createRow(row, actions.openStory));
  const axis = list(byId("chart-axis"), (/** @type {{at: number}} */ mark) => mark.at, createMark);
  const table = /** @type {HTMLDetailsElement} */ (byId("chart-table"));
  let zoom = 1;
  /** @type {Model | null} */
  let shown = null;
  /** @type {unknown[]} */
  let last = [];

  /** @param {Model} model @param {number} now */
  function draw(model, now) {
    const { steps, plan } = model;
    const { from, to } = extent(steps.values(), now);
    const atEnd = chart.scrollLeft + chart.clientWidth >= chart.scrollWidth - 4;
    style(chart, "--span", String(to - from));
    style(chart, "--zoom", String(zoom));
    if (last[0] !== steps || last[1] !== plan) rows.render(inPlanOrder(rowsOf(steps.values()), plan).map((row) => ({ ...row, from, title: titleOf(plan, row.key) })));
    for (const row of rows.views()) row.tick(now, from);
    const room = Math.max(2, Math.floor((chart.clientWidth * zoom) / MARK_PX));
    const { at, step } = marks(from, to, room);
    axis.render(at.map((mark) => ({ at: mark, offset: mark - from, words: step < 60_000 ? clock(mark) : clock(mark).slice(0, 5) })));
    if (zoom > 1 && atEnd) chart.scrollLeft = chart.scrollWidth;
    last = [steps, plan];
  }

  /** @param {number} by */
  function rescale(by) {
    const middle = (chart.scrollLeft + chart.clientWidth / 2) / chart.scrollWidth;
    zoom = Math.min(ZOOM_MOST, Math.max(1, by ? zoom * by : 1));
    if (!shown) return;
    draw(shown, Date.now());
    chart.scrollLeft = middle * chart.scrollWidth - chart.clientWidth / 2;
  }

  for (const [id, by] of /** @type {const} */ ([["zoom-in", 2], ["zoom-out", 0.5], ["zoom-fit", 0]])) byId(id).addEventListener("click", () => rescale(by));
  chart.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    rescale(event.deltaY < 0 ? 1.25 : 0.8);
  }, { passive: false });
  table.addEventListener("toggle", () => shown && renderTable(shown, table.open));
  new ResizeObserver(() => shown && draw(shown, Date.now())).observe(chart);

  return {
    /** @param {Model} model @param {number} now */
    render(model, now) {
      shown = model;
      if (last[0] === model.steps && last[1] === model.plan) return;
      draw(model, now);
      renderTable(model, table.open);
      const { size } = model.steps;
      show(byId("chart-frame"), size > 0);
      text(byId("chart-empty"), size || !model.ready ? "" : "No command has run yet. Every command of the batch gets a bar here.");
      attr(chart, "aria-label", `${size} commands on a time axis; the table below has the same`);
    },
    /** @param {Model} model @param {number} now */
    tick(model, now) {
      if (model.run.operations.length) draw(model, now);
    },
  };
}

/** @template {{key: string}} R @param {R[]} rows @param {import("./plan.js").Plan} plan */
function inPlanOrder(rows, plan) {
  const place = new Map(plan.stories.map((story, index) => [story.key, index]));
  const of = (/** @type {R} */ row) => place.get(row.key) ?? Infinity;
  return [...rows].sort((a, b) => (of(a) === of(b) ? 0 : of(a) - of(b)));
}

/** @param {{at: number}} first */
function createMark(first) {
  const el = h("li", { "data-at": first.at });
  return {
    el,
    update(/** @type {any} */ mark) {
      style(el, "--start", String(mark.offset));
      text(el, mark.words);
    },
  };
}

/** @param {Row} first @param {(key: string) => void} openStory */
function createRow(first, openStory) {
  const title = h("span", { class: "title" });
  const name = h("button", { type: "button", class: "row-name", on: { click: () => openStory(first.key) } }, h("span", { class: "key", text: shortKey(first.key) }), title);
  const plot = h("div", { class: "row-plot", "aria-hidden": "true" });
  const el = h("li", { class: "row" }, name, plot);
  const bars = list(plot, (/** @type {Bar} */ bar) => bar.step.command_id, createBar);
  return {
    el,
    /** @param {Row} row */
    update(row) {
      text(title, row.title);
      style(plot, "--lanes", String(row.lanes));
      bars.render(row.bars);
    },
    /** @param {number} now @param {number} from */
    tick(now, from) {
      for (const bar of bars.views()) bar.tick(now, from);
    },
  };
}

/** @param {Bar} first */
function createBar(first) {
  const words = h("span", { text: shortCommand(first.step.command) });
  const el = h("i", { class: "bar", "data-background": first.step.background }, words);
  let { step } = first;
  return {
    el,
    /** @param {Bar} bar */
    update(bar) {
      step = bar.step;
      attr(el, "data-result", resultOf(step.status).result);
      style(el, "--lane", String(bar.lane));
      attr(el, "title", barWords(step));
    },
    /** @param {number} now @param {number} from */
    tick(now, from) {
      style(el, "--start", String(step.started_at - from));
      style(el, "--length", String((step.ended_at ?? now) - step.started_at));
    },
  };
}

/** @param {Step} step */
function barWords(step) {
  const took = step.ended_at ? duration(step.ended_at - step.started_at) : "running";
  const facts = [resultOf(step.status).words, step.verdict, step.reason, took, step.cost_usd === null ? "" : money(step.cost_usd)];
  return `${shortCommand(step.command)}, ${clock(step.started_at)}: ${facts.filter(Boolean).join(" · ")}`;
}

/** @param {Model} model @param {boolean} open */
function renderTable({ steps }, open) {
  if (!open) return;
  const rows = [...steps.values()].map((step) => h("tr", {}, ...[
    clock(step.started_at), step.story_keys.map(shortKey).join(", "), shortCommand(step.command), String(step.attempt),
    [resultOf(step.status).words, step.verdict, step.reason].filter(Boolean).join(" · "),
    step.ended_at ? duration(step.ended_at - step.started_at) : stopwatch(Date.now() - step.started_at), money(step.cost_usd),
  ].map((cell, index) => h("td", { class: index === 4 ? "wide" : index > 4 || index === 3 ? "number" : "", text: cell }))));
  byId("chart-table-rows").replaceChildren(...rows);
}
