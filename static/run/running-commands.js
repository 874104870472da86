// @ts-check
/** The commands that run now: a card for each, keyed by its id, so that parallel ones never take each other's place. */
import { attr, byId, h, list, show, style, text } from "../kit/dom.js";
import { allTokens, money, shortCommand, shortKey, stopwatch, tokens } from "../kit/format.js";
import { RUNNER } from "../shell/command-list.js";
import { titleOf } from "../shell/plan.js";
import { waitText } from "./run-text.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../state.js").Operation} Operation */

/** @returns {import("./run.js").Part} */
export function createRunningCommands() {
  return new RunningCommands();
}

class RunningCommands {
  /** @type {Model | null} */ #model = null;
  #cards = list(
    byId("operations"),
    (/** @type {Operation} */ operation) => operation.command_id,
    (operation) => new OperationCard(operation, (key) => (this.#model ? titleOf(this.#model.plan, key) : key)),
  );
  /** What the last drawing was made from. @type {unknown[]} */ #drawn = [];
  /** The most commands that ran at once in this batch: their space is kept. */
  #rows = 0;
  /** @type {number | null} */ #batch = null;

  /** @param {Model} model @param {number} now */
  render(model, now) {
    const { run, plan, ready } = model;
    const inputs = [run.operations, plan, run.state, run.reason, ready];
    if (inputs.every((value, index) => value === this.#drawn[index])) return;
    this.#drawn = inputs;
    this.#model = model;
    this.#cards.render(foregroundFirst(run.operations));
    this.tick(model, now);
    this.#keepSpace(run);
    show(byId("now-empty"), !run.operations.length);
    text(byId("now-empty"), idleReason(model));
  }

  /** @param {Model} _ @param {number} now */
  tick(_, now) {
    for (const card of this.#cards.views()) card.tick(now);
  }

  /** Keeps the space of commands that have ended, so that what is below does not move. @param {Model["run"]} run */
  #keepSpace({ state, batch, operations: { length } }) {
    const isSameRun = batch?.id === this.#batch && state !== "idle";
    this.#rows = isSameRun ? Math.max(this.#rows, length) : length;
    this.#batch = batch?.id ?? null;
    const rows = Math.max(this.#rows, state === "idle" ? 1 : 2);
    style(byId("now"), "--rows", String(rows));
    attr(byId("now"), "data-room", rows > Math.max(1, length));
  }
}

/** Foreground commands, which the run waits for, are first. @param {readonly Operation[]} operations */
function foregroundFirst(operations) {
  return [...operations].sort((a, b) => Number(a.background) - Number(b.background));
}

/** What ends a pause that Resume does not end, by its reason. @type {Record<string, string>} */
const OPENS = { gate: "decide", "take-over": "hand the story back" };

/** Why nothing runs. @param {Model} model */
function idleReason({ run, ready }) {
  if (!ready) return "";
  switch (run.state) {
    case "running":
      return run.context ? run.context.message || "The project context is being written." : "Choosing what comes next.";
    case "paused":
      return `Paused. Nothing runs until you ${OPENS[run.reason ?? ""] ?? "press Resume"}.`;
    case "waiting":
      return `${waitText(run.reason)}. It continues by itself.`;
    case "starting":
      return "Checking the project and the agent.";
    default:
      return run.batch ? "Nothing runs." : "Nothing runs yet. Press Start, and what the agent does is shown here.";
  }
}

class OperationCard {
  el;
  #startedAt;
  #titleOf;
  #title = h("span", { class: "title" });
  #time = h("time", { class: "operation-time" });
  #agent = h("span");
  #attempt = h("span");
  #task = h("span");
  #spent = h("span", { class: "spent" });
  #line = h("p", { class: "operation-line" });

  /** @param {Operation} operation @param {(key: string) => string} titleOf */
  constructor(operation, titleOf) {
    this.#startedAt = operation.started_at;
    this.#titleOf = titleOf;
    const { background, command, command_id: id } = operation;
    const badge = background && h("span", { class: "badge", text: "background" });
    const name = [h("b", { text: shortCommand(command) }), storyLink(operation), this.#title, badge];
    const facts = [this.#agent, this.#attempt, this.#task, this.#spent, transcriptLink(operation)];
    this.el = h(
      "li",
      { class: background ? "operation background" : "operation", "data-command": id },
      h("div", { class: "operation-name" }, ...name),
      this.#time,
      h("div", { class: "operation-facts" }, ...facts),
      this.#line,
    );
  }

  /** @param {Operation} operation */
  update(operation) {
    text(this.#title, this.#titleText(operation));
    text(this.#agent, [operation.agent, operation.model].filter(Boolean).join(" · "));
    text(this.#attempt, operation.attempt > 1 ? `attempt ${operation.attempt}` : "");
    text(this.#task, operation.task_id && `task ${operation.task_id}`);
    text(this.#spent, spentText(operation.metrics));
    text(this.#line, operation.message || "Started");
    attr(this.#line, "title", operation.message);
  }

  /** @param {number} now */
  tick(now) {
    text(this.#time, stopwatch(now - this.#startedAt));
  }

  /** @param {Operation} operation */
  #titleText({ story_key: own, story_keys: keys }) {
    const others = keys.filter((key) => key !== own).map(shortKey);
    if (others.length) return `and ${others.join(", ")}`;
    return own ? this.#titleOf(own) : "";
  }
}

/** @param {Operation} operation */
function storyLink({ story_key: key }) {
  return key && h("a", { class: "key", href: `#run?story=${encodeURIComponent(key)}`, text: shortKey(key) });
}

/** @param {Operation} operation */
function transcriptLink({ story_key: story, agent, command_id: id }) {
  if (!story || agent === RUNNER) return null;
  const href = `#run?${new URLSearchParams({ story, transcript: String(id) })}`;
  return h("a", { href, text: "Transcript", title: "What the agent says and does, as it does it" });
}

/** @param {Operation["metrics"]} metrics */
function spentText(metrics) {
  const used = allTokens(metrics);
  const cost = metrics.cost_usd === undefined ? "" : money(metrics.cost_usd, metrics.estimated_usd);
  return [used ? `${tokens(used)} tokens` : "", cost].filter(Boolean).join(" · ");
}
