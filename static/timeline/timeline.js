// @ts-check
/**
 * The Timeline tab: the commands of a batch, or of all batches, on a time axis, growing live; with zoom, pan, a detail
 * of each command, and the same as a table. What is shown is in the address.
 */

import { ApiError, get } from "../kit/api.js";
import { download, toCsv } from "../kit/csv.js";
import { attr, byId, h, show, text } from "../kit/dom.js";
import { clock, count, day, duration, money, plural, shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { amend, here, whole } from "../kit/url-params.js";
import { resultOf } from "../shell/command-list.js";
import { titleOf } from "../shell/plan.js";
import { createGestures } from "./chart-gestures.js";
import { createStepDetail } from "./command-detail.js";
import { Gantt } from "./gantt.js";
import { KINDS, kindOf } from "./gantt-bar.js";

/** @typedef {import("../shell/app.js").Model} Model */
/** @typedef {import("../shell/command-list.js").Step} Step */

/** Commands read at once, the newest; and rows of the table. */
const COMMANDS_MOST = 10_000;
const TABLE_MOST = 1_000;
const BATCHES_MOST = 200;
/** How long the view is still before the address follows it, in ms. */
const STILL_MS = 250;

/** @param {{openStory: (key: string) => void}} actions */
export function createTimeline(actions) {
  const detail = createStepDetail(actions.openStory);
  const gantt = new Gantt({ openStory: actions.openStory, onSelect: selected, onMove: moved });
  const table = /** @type {HTMLDetailsElement} */ (byId("chart-table"));
  const batches = /** @type {HTMLSelectElement} */ (byId("chart-batch"));
  const cut = /** @type {HTMLInputElement} */ (byId("chart-cut"));
  /** @type {Map<number, Step>} */
  let stored = new Map();
  /** @type {Map<number, Step>} */
  let steps = new Map();
  /** @type {Model | null} */
  let shown = null;
  /** @type {unknown[]} */
  let last = [];
  let asked = "";
  let total = 0;
  let failure = "";
  let still = 0;
  let placed = false;
  let settled = false;

  /** Which commands: those of the newest batch, of one batch, or of all. */
  const choice = () => here().get("batch") ?? "";

  /** @param {Model} model @param {number} now */
  function draw(model, now) {
    const { plan } = model;
    steps = join(model);
    gantt.cut = here().get("idle") !== "1";
    gantt.show(
      steps,
      (key) => titleOf(plan, key),
      plan.stories.map((story) => story.key),
      now,
    );
    show(byId("chart-frame"), steps.size > 0);
    show(byId("chart-tools"), steps.size > 0);
    text(
      byId("chart-empty"),
      failure ||
        (steps.size || !model.ready
          ? ""
          : choice()
            ? "This batch has no commands."
            : "No command has run yet. Every command of the batch gets a bar here."),
    );
    renderWords();
    renderLegend();
    renderTable();
    place();
    const current = gantt.current === null ? null : gantt.step(gantt.current);
    if (current) detail.show(current, (key) => titleOf(plan, key));
    last = [model.steps, plan, stored, model.past, choice()];
  }

  /** @param {Model} model */
  function join(model) {
    if (model.past) return new Map(model.steps);
    const live = choice() === "" || choice() === "all" || choice() === String(model.run.batch?.id);
    const joined = new Map(stored);
    if (live) for (const [id, step] of model.steps) joined.set(id, { ...joined.get(id), ...step });
    return new Map([...joined].sort(([, a], [, b]) => a.started_at - b.started_at || a.command_id - b.command_id));
  }

  /** Puts the view where the address says, once there is something to see. */
  function place() {
    if (placed || !steps.size || !byId("chart").clientWidth) return;
    placed = true;
    const zoom = Number(here().get("zoom"));
    const at = whole(here().get("at"));
    const command = whole(here().get("command"));
    if (zoom > 1) gantt.rescale(zoom);
    if (at !== null) gantt.left = at;
    if (command !== null && steps.has(command)) gantt.select(command, false);
  }

  /** Reads the commands of the choice. @param {Model} model */
  async function read(model) {
    const batch = choice() === "all" ? "" : choice() || String(model.run.batch?.id ?? "");
    const turn = `${choice()}|${batch}|${model.ready}`;
    if (turn === asked) return;
    asked = turn;
    try {
      const [answer, told] = await Promise.all([
        get(`/api/commands?limit=${COMMANDS_MOST}${batch ? `&batch=${batch}` : ""}`),
        get(`/api/batches?limit=${BATCHES_MOST}`),
      ]);
      if (turn !== asked) return;
      [failure, total] = ["", answer.total];
      stored = new Map(answer.commands.map((/** @type {any} */ row) => [row.id, stepOf(row)]));
      offer(told.batches);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure = stored.size ? "" : error.message;
    }
    if (!settled) placed = false;
    settled = true;
    if (shown) draw(shown, Date.now());
  }

  /** @param {{id: number, started_at: number}[]} told */
  function offer(told) {
    batches.replaceChildren(
      h("option", { value: "", text: "Newest batch" }),
      h("option", { value: "all", text: "All batches" }),
      ...told.map(({ id, started_at: at }) => h("option", { value: id, text: `Batch ${id}, ${day(at)}` })),
    );
    if (![...batches.options].some((option) => option.value === choice()))
      batches.append(h("option", { value: choice(), text: `Batch ${choice()}` }));
    batches.value = choice();
  }

  /** @param {Step} step */
  function selected(step) {
    detail.show(step, shown ? (key) => titleOf(/** @type {Model} */ (shown).plan, key) : (key) => key);
    amend({ command: String(step.command_id) });
  }

  /** The view has moved: the address follows when it stands still. */
  function moved() {
    text(
      byId("zoom-words"),
      gantt.zoom > 1.05 ? `${gantt.zoom < 10 ? gantt.zoom.toFixed(1) : count(Math.round(gantt.zoom))}×` : "all",
    );
    clearTimeout(still);
    if (!placed) return;
    still = window.setTimeout(() => {
      if (byId("tab-timeline").hidden) return;
      const near = gantt.zoom > 1.05;
      amend({ zoom: near ? gantt.zoom.toFixed(2) : null, at: near ? String(Math.round(gantt.left)) : null });
    }, STILL_MS);
  }

  function renderWords() {
    const cuts = gantt.axis.gaps.map((gap) => duration(gap.to - gap.from));
    const idle = cuts.length
      ? `${plural(cuts.length, "idle time")} cut short: ${cuts.slice(0, 4).join(", ")}${cuts.length > 4 ? " …" : ""}`
      : "";
    const part =
      !shown?.past && total > stored.size
        ? `the newest ${count(stored.size)} of ${count(total)} commands`
        : plural(steps.size, "command");
    text(
      byId("chart-words"),
      steps.size
        ? [part, plural(gantt.rows.filter((row) => row.key).length, "story", "stories"), idle]
            .filter(Boolean)
            .join(" · ")
        : "",
    );
    attr(
      byId("chart"),
      "aria-label",
      `${plural(steps.size, "command")} on a time axis. Arrow keys go from command to command, plus and minus zoom; the table below has the same.`,
    );
    attr(batches, "disabled", shown?.past ?? false);
  }

  function renderLegend() {
    const used = new Set([...steps.values()].map((step) => kindOf(step.command)));
    const kinds = KINDS.filter(({ kind }) => used.has(kind)).map(({ kind, words }) =>
      h("li", {}, h("i", { class: "swatch-bar", "data-kind": kind }), words),
    );
    if (used.has("other")) kinds.push(h("li", {}, h("i", { class: "swatch-bar", "data-kind": "other" }), "other"));
    const results = new Set([...steps.values()].map((step) => resultOf(step.status).result));
    const words = { failed: "✕ failed", held: "‖ stopped or waiting", running: "running" };
    const outcomes = Object.entries(words)
      .filter(([name]) => results.has(name))
      .map(([name, said]) => h("li", {}, h("i", { class: "swatch-bar", "data-result": name }), said));
    byId("chart-legend").replaceChildren(...kinds, ...outcomes);
  }

  function renderTable() {
    if (!table.open) return;
    const all = [...steps.values()];
    byId("chart-table-rows").replaceChildren(...all.slice(-TABLE_MOST).map(tableRow));
    text(
      byId("chart-table-note"),
      all.length > TABLE_MOST ? `The newest ${count(TABLE_MOST)} of ${count(all.length)}; the CSV has all.` : "",
    );
  }

  table.addEventListener("toggle", () => {
    amend({ table: table.open ? "1" : null });
    renderTable();
  });
  table.open = here().get("table") === "1";
  byId("chart-csv").addEventListener("click", () => download("timeline.csv", csvOf([...steps.values()])));
  batches.addEventListener("change", () => {
    amend({ batch: batches.value, at: null, zoom: null, command: null });
    gantt.zoom = 1;
    detail.hide();
    if (shown) follow(shown, Date.now());
  });
  cut.addEventListener("change", () => {
    amend({ idle: cut.checked ? null : "1" });
    if (shown) draw(shown, Date.now());
  });
  createGestures(gantt, byId("chart"));
  for (const [id, by] of /** @type {const} */ ([
    ["zoom-in", 2],
    ["zoom-out", 0.5],
    ["zoom-fit", 0],
  ]))
    byId(id).addEventListener("click", () => gantt.rescale(by ? gantt.zoom * by : 1));

  /** @param {Model} model @param {number} now */
  function follow(model, now) {
    if (
      last[0] === model.steps &&
      last[1] === model.plan &&
      last[2] === stored &&
      last[3] === model.past &&
      last[4] === choice()
    )
      return;
    if (last[4] !== choice()) [stored, placed, settled] = [new Map(), false, false];
    if (batches.value !== choice() && [...batches.options].some((option) => option.value === choice()))
      batches.value = choice();
    cut.checked = here().get("idle") !== "1";
    draw(model, now);
    if (model.ready && !model.past) read(model);
  }

  return {
    /** @param {Model} model @param {number} now */
    render(model, now) {
      // Of the project's own commands no event tells when they end: only that the context is ready.
      const ready = shown?.run.context && !model.run.context;
      const began = shown?.run.batch?.id !== model.run.batch?.id || ready;
      if (ready) asked = "";
      shown = model;
      if (began && model.ready && !model.past) read(model);
      follow(model, now);
    },
    /** @param {Model} model @param {number} now */
    tick(model, now) {
      if (!model.run.operations.length && !model.run.context) return;
      gantt.tick(now);
      detail.tick(now);
    },
  };
}

/** A stored command as a step. @param {any} row of `GET /api/commands` @returns {Step} */
export function stepOf(row) {
  return {
    command_id: row.id,
    command: row.command,
    story_keys: row.story_keys.length ? row.story_keys : row.story_key ? [row.story_key] : [],
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
    tokens:
      (row.input_tokens ?? 0) + (row.output_tokens ?? 0) + (row.cache_read_tokens ?? 0) + (row.cache_write_tokens ?? 0),
  };
}

/** @param {Step} step */
function tableRow(step) {
  const outcome = [resultOf(step.status).words, step.verdict, step.reason].filter(Boolean).join(" · ");
  const took = step.ended_at ? duration(step.ended_at - step.started_at) : stopwatch(Date.now() - step.started_at);
  const cells = [
    `${day(step.started_at)} ${clock(step.started_at)}`,
    step.story_keys.map(shortKey).join(", ") || "The project itself",
    shortCommand(step.command),
    String(step.attempt),
    outcome,
    took,
    money(step.cost_usd, step.estimated_usd),
  ];
  return h(
    "tr",
    {},
    ...cells.map((cell, index) =>
      h("td", { class: index === 4 ? "wide" : index > 4 || index === 3 ? "number" : "", text: cell }),
    ),
  );
}

/** @param {Step[]} steps */
function csvOf(steps) {
  const head = [
    "command_id",
    "started_at",
    "ended_at",
    "stories",
    "command",
    "attempt",
    "status",
    "verdict",
    "reason",
    "agent",
    "model",
    "tokens",
    "cost_usd",
  ];
  const time = (/** @type {number | null} */ at) => (at === null ? "" : new Date(at).toISOString());
  return toCsv(
    head,
    steps.map((step) => [
      step.command_id,
      time(step.started_at),
      time(step.ended_at),
      step.story_keys.join(" "),
      step.command,
      step.attempt,
      step.status,
      step.verdict,
      step.reason,
      step.agent,
      step.model ?? "",
      step.tokens ?? "",
      step.cost_usd ?? "",
    ]),
  );
}
