// @ts-check
/**
 * The Timeline tab: the commands of a batch, or of all batches, on a time axis, growing live; with zoom, pan, a detail
 * of each command, and the same as a table. What is shown is in the address.
 */

import { attr, byId, fill, h, show, text } from "../kit/dom.js";
import { count, day, duration, plural } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { setUrlParams, urlParams, wholeNumber } from "../kit/url-params.js";
import { titleOf } from "../shell/plan.js";
import { addGestures } from "./chart-gestures.js";
import { CommandDetail } from "./command-detail.js";
import { CommandTable } from "./command-table.js";
import { Gantt } from "./gantt.js";
import { KINDS, kindOf } from "./gantt-bar.js";
import { groupsOf } from "./lanes.js";
import { OUTCOMES, outcomeOf } from "./outcome.js";
import { ProblemList } from "./problem-list.js";
import { StoredCommands } from "./stored-commands.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/command-list.js").Command} Command */

/** How long the view is at rest before the address follows it, in ms. */
const REST_MS = 250;
/** From this zoom on the address names zoom and place. */
const ZOOMED = 1.05;
/** The buttons, with their factor. */
const ZOOM_BUTTONS = /** @type {const} */ ([
  ["zoom-in", 2],
  ["zoom-out", 0.5],
]);

/** Of all batches together. @type {import("./lanes.js").Groups} */
const NO_GROUPS = { of: new Map(), names: [] };

/** The choice of the address: the number of a batch, "all", or "" for the newest batch. */
const choice = () => urlParams().get("batch") ?? "";
const isCut = () => urlParams().get("idle") !== "1";

export class Timeline {
  #stored = new StoredCommands();
  #table = new CommandTable();
  #gantt;
  #detail;
  #problems = new ProblemList((id) => this.#gantt.select(id, { focus: true }));
  #batches = /** @type {HTMLSelectElement} */ (byId("chart-batch"));
  #cut = /** @type {HTMLInputElement} */ (byId("chart-cut"));
  /** @type {Map<number, Command>} */ #commands = new Map();
  /** @type {Model | null} */ #model = null;
  /** What the last drawing was made from. @type {unknown[]} */ #drawn = [];
  #timer = 0;
  /** Whether the view is that of the address. */
  #restored = false;
  #restoredZoom = 1;
  /** Whether the commands of the choice have been read once. */
  #settled = false;

  /** @param {{openStory: (key: string) => void}} actions */
  constructor({ openStory }) {
    this.#detail = new CommandDetail({
      openStory,
      zoom: () => this.#gantt.zoomToCurrent("command"),
      close: () => this.#close(),
    });
    this.#gantt = new Gantt({
      openStory,
      onSelect: (command) => this.#select(command),
      onMove: () => this.#moved(),
    });
    addGestures(this.#gantt, byId("chart"));
    byId("chart-area").addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.#detail.isOpen) this.#close();
    });
    this.#batches.addEventListener("change", () => this.#choose());
    this.#cut.addEventListener("change", () => this.#toggleCut());
    byId("zoom-fit").addEventListener("click", () => this.#gantt.fit());
    for (const [id, factor] of ZOOM_BUTTONS) byId(id).addEventListener("click", () => this.#gantt.zoomBy(factor));
  }

  /** @param {Model} model @param {number} now */
  render(model, now) {
    const before = this.#model;
    this.#model = model;
    // No event reports the end of the project's own commands, only that the context is ready.
    const contextReady = Boolean(before?.run.context && !model.run.context);
    if (contextReady) this.#stored.invalidate();
    if (contextReady || before?.run.batch?.id !== model.run.batch?.id) this.#read();
    this.#update(now);
  }

  /** @param {Model} model @param {number} now */
  tick(model, now) {
    if (!model.run.operations.length && !model.run.context) return;
    this.#gantt.tick(now);
    this.#detail.tick(now);
  }

  /** Draws, if what is shown has changed. @param {number} now */
  #update(now) {
    if (!this.#model || this.#inputs(this.#model).every((value, index) => value === this.#drawn[index])) return;
    if (this.#drawn[4] !== choice()) this.#forget();
    const offered = [...this.#batches.options].some((option) => option.value === choice());
    if (offered) this.#batches.value = choice();
    this.#cut.checked = isCut();
    this.#draw(this.#model, now);
    this.#read();
  }

  /** @param {Model} model */
  #inputs({ commands, plan, replaying, run }) {
    return [commands, plan, this.#stored.commands, replaying, choice(), run.cycles];
  }

  #forget() {
    this.#stored.clear();
    this.#restored = false;
    this.#settled = false;
  }

  /** @param {Model} model @param {number} now */
  #draw(model, now) {
    const { plan } = model;
    this.#commands = this.#stored.join(choice(), model);
    this.#gantt.show({
      commands: this.#commands,
      titleOf: this.#titleOf,
      order: plan.stories.map((story) => story.key),
      groups: choice() === "all" ? NO_GROUPS : groupsOf([...this.#commands.values()]),
      cut: isCut(),
      now,
    });
    this.#renderState(model);
    renderLegend([...this.#commands.values()]);
    this.#table.show(this.#commands.values());
    const waits = choice() ? [] : model.run.cycles.filter((cycle) => cycle.waits);
    this.#problems.show(
      this.#commands.values(),
      waits.flatMap((cycle) => cycle.story_keys),
    );
    this.#restore();
    if (this.#gantt.current) this.#detail.show(this.#gantt.current, this.#titleOf);
    else this.#detail.hide();
    show(byId("chart-list"), !this.#detail.isOpen);
    this.#drawn = this.#inputs(model);
  }

  #titleOf = (/** @type {string} */ key) => (this.#model ? titleOf(this.#model.plan, key) : key);

  /** Restores the view that the address names, once there are commands. */
  #restore() {
    if (this.#restored || !this.#commands.size || !byId("chart").clientWidth) return;
    this.#restored = true;
    const params = urlParams();
    const command = wholeNumber(params.get("command"));
    this.#gantt.restore({
      zoom: Number(params.get("zoom")),
      left: wholeNumber(params.get("at")),
      command: command !== null && this.#commands.has(command) ? command : null,
    });
    this.#restoredZoom = this.#gantt.position.zoom;
  }

  /** Reads the commands of the choice, if they were not read already. */
  async #read() {
    if (!this.#model?.ready || this.#model.replaying) return;
    const batches = await this.#stored.read(choice(), this.#model);
    if (!batches) return;
    if (batches.length) this.#offer(batches);
    // Among all commands the address may name another place; the reader's own zoom meanwhile stays.
    if (!this.#settled && this.#gantt.position.zoom === this.#restoredZoom) this.#restored = false;
    this.#settled = true;
    this.#draw(this.#model, serverNow());
  }

  /** @param {{id: number, started_at: number}[]} batches to choose from */
  #offer(batches) {
    const options = batches.map(({ id, started_at: at }) => ({ value: String(id), text: `Batch ${id}, ${day(at)}` }));
    const first = [
      { value: "", text: "Newest batch" },
      { value: "all", text: "All batches" },
    ];
    const known = [...first, ...options].some(({ value }) => value === choice());
    const other = known ? [] : [{ value: choice(), text: `Batch ${choice()}` }];
    fill(this.#batches, ...[...first, ...options, ...other].map((option) => h("option", option)));
    this.#batches.value = choice();
  }

  #choose() {
    setUrlParams({ batch: this.#batches.value, at: null, zoom: null, command: null });
    this.#gantt.resetZoom();
    this.#detail.hide();
    this.#update(serverNow());
  }

  #toggleCut() {
    setUrlParams({ idle: this.#cut.checked ? null : "1" });
    if (this.#model) this.#draw(this.#model, serverNow());
  }

  /** Shows what failed in the place of a command. */
  #close() {
    this.#detail.hide();
    show(byId("chart-list"), true);
    setUrlParams({ command: null });
    this.#gantt.deselect();
    byId("chart-problems-title").focus();
  }

  /** @param {Command} command */
  #select(command) {
    this.#detail.show(command, this.#titleOf);
    show(byId("chart-list"), false);
    // On a small screen it is below the chart.
    if (this.#restored) byId("chart-detail").scrollIntoView({ block: "nearest" });
    setUrlParams({ command: String(command.command_id) });
  }

  /** Shows the zoom; the address follows when the view is at rest. */
  #moved() {
    const { zoom } = this.#gantt.position;
    const factor = zoom < 10 ? zoom.toFixed(1) : count(Math.round(zoom));
    text(byId("zoom-words"), zoom > ZOOMED ? `${factor}×` : "all");
    clearTimeout(this.#timer);
    if (this.#restored) this.#timer = window.setTimeout(() => this.#writeAddress(), REST_MS);
  }

  #writeAddress() {
    if (byId("tab-timeline").hidden) return;
    const { zoom, left } = this.#gantt.position;
    const zoomed = zoom > ZOOMED;
    setUrlParams({ zoom: zoomed ? zoom.toFixed(2) : null, at: zoomed ? String(Math.round(left)) : null });
  }

  /** @param {Model} model */
  #renderState(model) {
    const { size } = this.#commands;
    for (const id of ["chart-area", "chart-tools"]) show(byId(id), size > 0);
    text(byId("chart-empty"), this.#stored.failure || this.#emptyText(model));
    text(byId("chart-words"), size ? this.#summary(model) : "");
    const keys =
      "Arrow keys go from command to command, n to what failed; z zooms to it, plus and minus zoom; the table below " +
      "has the same.";
    attr(byId("chart"), "aria-label", `${plural(size, "command")} on a time axis. ${keys}`);
    attr(this.#batches, "disabled", model.replaying);
  }

  /** @param {Model} model */
  #emptyText({ ready }) {
    if (this.#commands.size || !ready) return "";
    if (choice()) return "This batch has no commands.";
    return "No command has run yet. Every command of the batch gets a bar here.";
  }

  /** @param {Model} model */
  #summary({ replaying }) {
    const { gaps, stories } = this.#gantt.summary;
    const { total, commands } = this.#stored;
    const isPart = !replaying && total > commands.size;
    const number = isPart
      ? `the newest ${count(commands.size)} of ${count(total)} commands`
      : plural(this.#commands.size, "command");
    return [number, plural(stories, "story", "stories"), cutText(gaps)].filter(Boolean).join(" · ");
  }
}

/** @param {import("../kit/time-axis.js").Gap[]} gaps */
function cutText(gaps) {
  if (!gaps.length) return "";
  const lengths = gaps.slice(0, 4).map((gap) => duration(gap.to - gap.from));
  return `${plural(gaps.length, "idle time")} cut short: ${lengths.join(", ")}${gaps.length > 4 ? " …" : ""}`;
}

/** The colours and patterns that these commands use. @param {Command[]} commands */
function renderLegend(commands) {
  const kinds = new Set(commands.map((command) => kindOf(command.command)));
  const outcomes = new Set(commands.map(outcomeOf));
  fill(
    byId("chart-legend"),
    ...OUTCOMES.filter(([name]) => outcomes.has(name)).map(([name, mark, words]) =>
      swatch({ "data-result": name }, mark + words),
    ),
    ...KINDS.filter(([kind]) => kinds.has(kind)).map(([kind, words]) => swatch({ "data-kind": kind }, words)),
  );
}

/** @param {Record<string, string>} data @param {string} words */
function swatch(data, words) {
  return h("li", {}, h("i", { class: "swatch-bar", ...data }), words);
}
