// @ts-check
/** The detail of one command beside the chart: how it ended, its facts, its stories, its transcript. */
import { resultWith } from "../kit/command-result.js";
import { byId, fill, h, icon, show, text } from "../kit/dom.js";
import { clock, count, day, duration, money, shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { RUNNER } from "../shell/command-list.js";
import { createTranscript } from "../story/transcript.js";
import { outcomeOf, outcomeWords, reasonOf } from "./outcome.js";

/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {{openStory: (key: string) => void, zoom: () => void, close: () => void}} Actions */

export class CommandDetail {
  #root = byId("chart-detail");
  /** @type {Command | null} */ #command = null;
  #drawn = "";
  /** @type {ReturnType<typeof createTranscript> | null} */ #transcript = null;
  /** @type {HTMLElement | null} */ #time = null;
  #actions;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  /** Whether a command is shown. */
  get isOpen() {
    return this.#command !== null;
  }

  /** @param {number} now */
  tick(now) {
    const command = this.#command;
    if (command?.ended_at === null && this.#time) text(this.#time, `${stopwatch(now - command.started_at)}, running`);
  }

  hide() {
    this.#command = null;
    this.#drawn = "";
    show(this.#root, false);
  }

  /** @param {Command} command @param {(key: string) => string} titleOf */
  show(command, titleOf) {
    const isOther = command.command_id !== this.#command?.command_id;
    this.#command = command;
    const content = JSON.stringify([command, command.story_keys.map(titleOf)]);
    show(this.#root, true);
    if (content === this.#drawn) return;
    this.#drawn = content;
    this.#draw(command, titleOf, isOther);
    this.tick(serverNow());
  }

  /** @param {Command} command @param {(key: string) => string} titleOf @param {boolean} isOther */
  #draw(command, titleOf, isOther) {
    this.#time = h("dd");
    const top = head(command, this.#actions, titleOf);
    const list = facts(command, this.#time);
    if (!this.#transcript || isOther) {
      this.#transcript = createTranscript(command.command_id, command.command, command.story_keys[0] ?? "");
      fill(this.#root, top, list, this.#transcript.el);
    } else {
      // The transcript stays in the document: it may be open and scrolled.
      this.#root.children[0].replaceWith(top);
      this.#root.children[1].replaceWith(list);
    }
    this.#transcript.setLive(command.ended_at === null);
  }
}

/** @param {Command} command @param {Actions} actions @param {(key: string) => string} titleOf */
function head(command, { openStory, zoom, close }, titleOf) {
  const { glyph } = resultWith(command);
  const stories = command.story_keys.map((key) => {
    const name = titleOf(key) === key ? key : `${shortKey(key)} ${titleOf(key)}`;
    return h("button", {
      type: "button",
      class: "plain",
      dir: "auto",
      text: name,
      on: { click: () => openStory(key) },
    });
  });
  const tools = h(
    "span",
    { class: "detail-tools" },
    h("button", { type: "button", class: "button small", text: "Zoom to it", title: "z", on: { click: zoom } }),
    h("button", { type: "button", class: "ghost", "aria-label": "Close", on: { click: close } }, icon("cross")),
  );
  return h(
    "header",
    { "data-result": outcomeOf(command) },
    h("div", { class: "detail-title" }, h("h2", { text: shortCommand(command.command) }), tools),
    h("p", { class: "detail-outcome" }, glyph ? icon(glyph) : null, outcomeWords(command)),
    reasonOf(command) ? h("p", { class: "detail-reason", dir: "auto", text: reasonOf(command) }) : null,
    ...stories,
  );
}

/** @param {Command} command @param {HTMLElement} time */
function facts(command, time) {
  if (command.ended_at !== null) text(time, duration(command.ended_at - command.started_at));
  /** @type {[string, string | HTMLElement][]} */
  const all = [
    ["Started", `${day(command.started_at)} ${clock(command.started_at)}`],
    ["Took", time],
    ["Attempt", String(command.attempt)],
    ["Agent", [command.agent, command.model].filter(Boolean).join(", ")],
    ["Machine", command.machine ?? ""],
    ["Tokens", reported(command, command.tokens, count)],
    ["Cost", reported(command, command.cost_usd, (cost) => money(cost, command.estimated_usd))],
    ["Runs", command.background ? "in the background" : ""],
  ];
  const known = all.filter(([, value]) => value !== "");
  return h("dl", { class: "detail-facts" }, ...known.map(([name, value]) => fact(name, value)));
}

/**
 * A figure; "unknown" where an agent has ended without reporting it, "" where there is none yet, or none at all.
 * @param {Command} command
 * @param {number | null} value
 * @param {(value: number) => string} format
 */
function reported({ agent, ended_at: end }, value, format) {
  if (value !== null) return format(value);
  return end === null || agent === RUNNER ? "" : "unknown";
}

/** @param {string} name @param {string | HTMLElement} value */
function fact(name, value) {
  return h("div", {}, h("dt", { text: name }), typeof value === "string" ? h("dd", { text: value }) : value);
}
