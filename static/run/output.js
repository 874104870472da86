// @ts-check
/**
 * The output beside the steps: of the command that runs, or of the one that was chosen. With several that run at once
 * there is a switch for each.
 */
import { attr, byId, fill, h, list, show, text } from "../kit/dom.js";
import { money, shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { loadPart } from "../kit/lazy.js";
import { RUNNER } from "../shell/command-list.js";
import { waitText } from "./run-text.js";
import { liveCommand } from "./steps.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {import("../state.js").Operation} Operation */
/** @typedef {{operation: Operation, pressed: boolean}} Switch */

export class Output {
  /** The command whose output is shown. @type {number | null} */ shown = null;
  #tabs;
  /** The command that was chosen, null to follow what runs. @type {number | null} */ #chosen = null;
  /** The stories whose command is followed, where several run side by side. @type {readonly string[]} */ #lane = [];
  /** @type {import("./output-stream.js").OutputStream | null} */ #stream = null;
  /** @type {typeof import("./output-stream.js") | null} */ #module = null;
  /** The command for which the module was asked for last. @type {number | null} */ #asked = null;
  /** @type {Model | null} */ #model = null;
  #batch = 0;
  /** @type {(() => void)[]} */ #listeners = [];
  #switches = list(
    byId("output-lanes"),
    (/** @type {Switch} */ row) => row.operation.command_id,
    (row) => createSwitch(row, (operation) => this.#follow(operation)),
  );

  /** @param {import("./pane-tabs.js").PaneTabs} tabs */
  constructor(tabs) {
    this.#tabs = tabs;
    tabs.onChange(() => this.#draw());
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
    this.#chosen = command === this.#live()?.command_id ? null : command;
    this.#tabs.choose("output");
    byId("pane").scrollIntoView({ block: "nearest" });
  }

  /** @param {Model} model @param {number} now */
  render(model, now) {
    const batch = model.run.batch?.id ?? 0;
    if (batch !== this.#batch) [this.#chosen, this.#lane] = [null, []];
    this.#batch = batch;
    this.#model = model;
    this.#draw();
    this.tick(model, now);
  }

  /** @param {Model} model @param {number} now */
  tick({ commands, run }, now) {
    const command = this.shown === null ? undefined : commands.get(this.shown);
    text(byId("output-facts"), command ? factsOf(command, operationOf(run, command), now) : "");
    for (const row of this.#switches.views()) row.tick(now);
  }

  /** @returns {Command | null} the command that is shown where none is chosen */
  #live() {
    if (!this.#model) return null;
    const { commands, run } = this.#model;
    // Of stories that are worked on side by side those stay in sight that are shown.
    const keys = this.#lane.length ? this.#lane : (commands.get(this.shown ?? 0)?.story_keys ?? []);
    const lane = run.cycles.find((cycle) => cycle.story_keys.some((key) => keys.includes(key)));
    return liveCommand(commands, lane?.story_keys);
  }

  /** @param {Operation} operation of a lane that is followed from now on */
  #follow(operation) {
    this.#lane = operation.story_keys;
    this.choose(operation.command_id);
  }

  #draw() {
    const model = this.#model;
    if (!model) return;
    const { commands, run } = model;
    const live = this.#live();
    const command = (this.#chosen === null ? null : commands.get(this.#chosen)) ?? live;
    const changed = this.shown !== (command?.command_id ?? null);
    this.shown = command?.command_id ?? null;
    this.#drawName(command, live);
    this.#drawSwitches(run);
    text(byId("output-empty"), command ? "" : emptyText(model));
    show(byId("output-empty"), !command);
    this.#drawStream(command, changed, run);
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

  /** @param {Model["run"]} run */
  #drawSwitches({ operations }) {
    const own = operations.filter((operation) => operation.agent !== RUNNER);
    const rows = own.length > 1 ? own : [];
    show(byId("output-lanes"), rows.length > 0);
    this.#switches.render(rows.map((operation) => ({ operation, pressed: operation.command_id === this.shown })));
  }

  /** Reads what draws an output, with the first one that is shown; once for each that is asked for. */
  async #load() {
    if (this.#asked === this.shown) return;
    this.#asked = this.shown;
    this.#module ??= await loadPart(() => import("./output-stream.js"));
    if (this.#module) this.#draw();
  }

  /** @param {Command | null} command @param {boolean} changed @param {Model["run"]} run */
  #drawStream(command, changed, run) {
    if (changed) {
      this.#stream?.end();
      this.#stream = null;
    }
    // What is not in sight is not read.
    if (!command || this.#tabs.open !== "output") return;
    if (!this.#module) return void this.#load();
    if (!this.#stream) {
      const [key = ""] = command.story_keys;
      this.#stream = new this.#module.OutputStream(command.command_id, shortCommand(command.command), key);
      byId("output-frame").append(this.#stream.el);
    }
    const running = command.status === "running";
    this.#stream.update(running, !running || Boolean(operationOf(run, command)?.message));
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

/** @param {Switch} first @param {(operation: Operation) => void} follow */
function createSwitch({ operation }, follow) {
  const { command, story_keys: keys, background } = operation;
  const time = h("time", {});
  const words = [shortCommand(command), keys.filter(Boolean).map(shortKey).join(", ")].filter(Boolean).join(" ");
  const note = background && h("span", { class: "soft", text: "in the background" });
  const el = h("button", { type: "button", class: "switch" }, h("span", { class: "spin" }), words, note, time);
  el.addEventListener("click", () => follow(operation));
  return {
    el,
    /** @param {Switch} now */
    update({ pressed }) {
      attr(el, "aria-pressed", String(pressed));
    },
    /** @param {number} now */
    tick(now) {
      text(time, stopwatch(now - operation.started_at));
    },
  };
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
