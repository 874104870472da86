// @ts-check
/**
 * The output beside the steps: of the command that runs, or of the one that was chosen. Lanes that run at once are side by
 * side where there is room, else there is a switch for each; the one that is shown alone is in the address.
 */
import { byId, fill, h, show, text } from "../kit/dom.js";
import { money, shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { loadPart } from "../kit/lazy.js";
import { serverNow } from "../kit/server-clock.js";
import { setUrlParams } from "../kit/url-params.js";
import { RUNNER } from "../shell/command-list.js";
import { titleOf } from "../shell/plan.js";
import { OutputSwitches } from "./output-switches.js";
import { waitText } from "./run-text.js";
import { liveCommand } from "./steps.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {import("../state.js").Operation} Operation */

/** Room for two columns beside the steps. */
const WIDE = "(min-width: 1280px)";

export class Output {
  /** The commands whose output is shown, another array when they are others. @type {readonly number[]} */ shown = [];
  #tabs;
  /** The command that was chosen, null to follow what runs. @type {number | null} */ #chosen = null;
  /** The stories whose command is followed, where several run side by side. @type {readonly string[]} */ #lane = [];
  /** @type {import("./output-stream.js").OutputStream | null} */ #stream = null;
  /** @type {import("./output-columns.js").OutputColumns | null} */ #columns = null;
  /** @type {{stream: typeof import("./output-stream.js"), columns: typeof import("./output-columns.js")} | null} */
  #modules = null;
  /** The commands for which the modules were asked for last. @type {readonly number[] | null} */ #asked = null;
  #wide = matchMedia(WIDE);
  /** @type {Model | null} */ #model = null;
  #batch = 0;
  /** @type {(() => void)[]} */ #listeners = [];
  #switches = new OutputSwitches({
    follow: (operation) => this.#follow(operation.story_keys, operation.command_id),
    showAll: () => this.#showAll(),
  });

  /** @param {import("./pane-tabs.js").PaneTabs} tabs */
  constructor(tabs) {
    this.#tabs = tabs;
    tabs.onChange(() => this.#draw());
    this.#wide.addEventListener("change", () => this.#draw());
    byId("output-now").addEventListener("click", () => {
      this.#chosen = null;
      this.#draw();
      byId("pane-output").focus();
    });
  }

  /** @param {() => void} listener called when the output of another command is shown */
  onShown(listener) {
    this.#listeners.push(listener);
  }

  /** Shows the output of a command, and keeps to it. @param {number} command */
  choose(command) {
    const lane = this.#model?.run.cycles.find(({ story_keys: keys }) => this.#liveOf(keys)?.command_id === command);
    if (lane) this.#setLane(lane.story_keys);
    this.#chosen = lane || command === this.#live()?.command_id ? null : command;
    this.#tabs.choose("output");
    byId("pane").scrollIntoView({ block: "nearest" });
  }

  /** @param {Model} model @param {number} now */
  render(model, now) {
    const batch = model.run.batch?.id ?? 0;
    if (batch !== this.#batch && this.#batch) {
      this.#chosen = null;
      this.#setLane([]);
    }
    this.#batch = batch;
    const isBack = this.#model?.link.lost === true && !model.link.lost;
    this.#model = model;
    if (isBack) this.#reconnected();
    this.#draw();
    this.tick(model, now);
  }

  /** Reads what could not be read without a connection: what draws an output, or its text. */
  #reconnected() {
    this.#asked = null;
    this.#stream?.reconnected();
    this.#columns?.reconnected();
  }

  /** @param {Model} _ @param {number} now */
  tick(_, now) {
    this.#drawFacts(now);
    this.#switches.tick(now);
    this.#columns?.tick(now);
  }

  /** @param {number} now */
  #drawFacts(now) {
    const { commands, run } = /** @type {Model} */ (this.#model);
    const lanes = this.#lanes().length;
    const only = lanes ? undefined : commands.get(this.shown[0] ?? 0);
    const facts = only ? factsOf(only, operationOf(run, only), now) : "";
    text(byId("output-facts"), lanes ? `${lanes} lanes` : facts);
  }

  /** Follows the address. @param {URLSearchParams} params */
  route(params) {
    const key = params.get("lane");
    if (!key || this.#lane.includes(key)) return;
    this.#lane = [key];
    this.#draw();
  }

  /** @returns {Command | null} the command that is shown where none is chosen */
  #live() {
    if (!this.#model) return null;
    const { commands, run } = this.#model;
    // Of stories that are worked on side by side those stay in sight that are shown.
    const keys = this.#lane.length ? this.#lane : (commands.get(this.shown[0] ?? 0)?.story_keys ?? []);
    const lane = run.cycles.find((cycle) => cycle.story_keys.some((key) => keys.includes(key)));
    return liveCommand(commands, lane?.story_keys);
  }

  /** The newest command of a lane, none before its first. @param {readonly string[]} keys */
  #liveOf(keys) {
    return this.#model && liveCommand(this.#model.commands, keys);
  }

  /** Shows one lane from now on. @param {readonly string[]} keys @param {number} command of it */
  #follow(keys, command) {
    this.#setLane(keys);
    this.choose(command);
  }

  #showAll() {
    this.#chosen = null;
    this.#setLane([]);
    this.#draw();
    byId("pane-output").focus();
  }

  /** @param {readonly string[]} keys of the lane that is shown alone, none for all */
  #setLane(keys) {
    if (keys.join() === this.#lane.join()) return;
    const isAlone = (this.#model?.run.cycles.length ?? 0) > 1;
    this.#lane = keys;
    setUrlParams({ lane: isAlone ? (keys[0] ?? null) : null });
  }

  /** The lanes that are shown side by side, none where one output is shown. */
  #lanes() {
    return this.#canBeSideBySide && this.#chosen === null && !this.#lane.length ? this.#withOutput : [];
  }

  get #canBeSideBySide() {
    const { run } = /** @type {Model} */ (this.#model);
    return this.#wide.matches && run.state !== "idle" && this.#withOutput.length > 1;
  }

  /** The lanes that have or will soon have something to show: one without a worker yet takes no room from the others. */
  get #withOutput() {
    const { run } = /** @type {Model} */ (this.#model);
    return run.cycles.filter(({ story_keys: keys, waits }) => !waits || this.#liveOf(keys));
  }

  #draw() {
    const model = this.#model;
    if (!model) return;
    const { commands, run } = model;
    const live = this.#live();
    const lanes = this.#lanes();
    const command = lanes.length ? null : ((this.#chosen === null ? null : commands.get(this.#chosen)) ?? live);
    const shown = lanes.length ? lanes.map(({ story_keys: keys }) => this.#liveOf(keys)) : [command];
    const ids = shown.flatMap((one) => one?.command_id ?? []);
    const changed = ids.join() !== this.shown.join();
    if (changed) this.shown = ids;
    this.#drawName(command, live);
    const columns = { sideBySide: lanes.length > 0, canBe: this.#canBeSideBySide };
    this.#switches.render(run.operations, command?.command_id ?? null, columns);
    text(byId("output-empty"), command ? "" : emptyText(model));
    show(byId("output-empty"), !command && !lanes.length);
    this.#drawStream(command, changed);
    this.#drawColumns(lanes);
    this.#drawFacts(serverNow());
    if (changed) for (const listener of this.#listeners) listener();
  }

  /** @param {Command | null} command @param {Command | null} live */
  #drawName(command, live) {
    const keys = command?.story_keys.filter(Boolean) ?? [];
    const name = command && [
      h("b", { text: shortCommand(command.command) }),
      keys.length > 0 && storyLink(command, keys),
    ];
    const words = command ? `${command.command_id} ${command.command}` : "";
    const el = byId("output-name");
    if (el.dataset.of !== words) fill(el, ...(name ?? []));
    el.dataset.of = words;
    const isElse = this.#chosen !== null && live?.status === "running" && live.command_id !== command?.command_id;
    show(byId("output-now"), isElse && this.#tabs.open === "output");
    for (const id of ["output-name", "output-facts"]) show(byId(id), this.#tabs.open === "output");
  }

  /** Reads what draws an output, with the first one that is shown; once for each that is asked for. */
  async #load() {
    if (this.#asked === this.shown) return;
    this.#asked = this.shown;
    const [stream, columns] = await Promise.all([
      loadPart(() => import("./output-stream.js")),
      loadPart(() => import("./output-columns.js")),
    ]);
    this.#modules ??= stream && columns && { stream, columns };
    if (this.#modules) this.#draw();
  }

  /** @param {Command | null} command @param {boolean} changed */
  #drawStream(command, changed) {
    // The same command may go on in a column.
    if (changed || !command) {
      this.#stream?.end();
      this.#stream = null;
    }
    // What is not in sight is not read.
    if (!command || this.#tabs.open !== "output") return;
    if (!this.#modules) return void this.#load();
    if (!this.#stream) {
      // The runner itself takes no message.
      const key = command.agent === RUNNER ? "" : (command.story_keys[0] ?? "");
      this.#stream = new this.#modules.stream.OutputStream(command.command_id, shortCommand(command.command), key);
      byId("output-frame").append(this.#stream.el);
    }
    const running = command.status === "running";
    this.#stream.update(running);
  }

  /** @param {readonly import("../state.js").Cycle[]} lanes none where one output is shown */
  #drawColumns(lanes) {
    if (!lanes.length || this.#tabs.open !== "output") {
      this.#columns?.end();
      this.#columns = null;
      return;
    }
    if (!this.#modules) return void this.#load();
    const { plan } = /** @type {Model} */ (this.#model);
    this.#columns ??= new this.#modules.columns.OutputColumns((keys) => {
      const live = this.#liveOf(keys);
      if (live) this.#follow(keys, live.command_id);
    });
    if (!this.#columns.el.isConnected) byId("output-frame").append(this.#columns.el);
    const columns = lanes.map(({ number, story_keys: keys }) => {
      const command = this.#liveOf(keys);
      const [first] = command?.story_keys.filter(Boolean) ?? [];
      return { id: number, keys, title: titleOf(plan, first ?? keys[0]), command };
    });
    this.#columns.render(columns);
  }
}

/** The way to the command in its story. @param {Command} command @param {string[]} keys of its stories */
function storyLink({ command_id: id }, keys) {
  const href = `#run?${new URLSearchParams({ story: keys[0], transcript: String(id) })}`;
  return h("a", { class: "key", href, text: keys.map(shortKey).join(", "), title: "This command in its story" });
}

/** @param {Model["run"]} run @param {Command} command */
function operationOf({ operations }, { command_id: id }) {
  return operations.find((operation) => operation.command_id === id);
}

/** @param {Command} command @param {Operation | undefined} operation @param {number} now */
function factsOf(command, operation, now) {
  const { agent, model, attempt, started_at: start, ended_at: end, cost_usd: cost } = command;
  const spent = operation ? operation.metrics.cost_usd : cost;
  return [
    attempt > 1 && `Attempt ${attempt}`,
    [agent, model].filter(Boolean).join(" "),
    spent != null && money(spent, operation ? operation.metrics.estimated_usd : command.estimated_usd),
    stopwatch((end ?? now) - start),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Why there is no output. @param {Model} model */
function emptyText({ run, ready }) {
  if (!ready) return "";
  switch (run.state) {
    case "running":
      return run.context?.message || "Choosing what comes next.";
    case "starting":
      return "Checking the project and the agent.";
    case "waiting":
      return `${waitText(run.reason)}. It continues by itself.`;
    default:
      return run.batch ? "No command has run in this batch." : "What the agent writes and does is shown here.";
  }
}
