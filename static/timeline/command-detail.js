// @ts-check
/** The detail of one command below the chart: its facts, its stories, its transcript. */
import { byId, fill, h, icon, show, text } from "../kit/dom.js";
import { clock, count, day, duration, money, shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { resultOf } from "../shell/command-list.js";
import { createTranscript } from "../story/transcript.js";

/** @typedef {import("../shell/command-list.js").Command} Command */

export class CommandDetail {
  #root = byId("chart-detail");
  /** @type {Command | null} */ #command = null;
  #drawn = "";
  /** @type {ReturnType<typeof createTranscript> | null} */ #transcript = null;
  /** @type {HTMLElement | null} */ #time = null;
  #openStory;

  /** @param {(key: string) => void} openStory */
  constructor(openStory) {
    this.#openStory = openStory;
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
    const top = head(command, this.#openStory, titleOf);
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

/** @param {Command} command @param {(key: string) => void} openStory @param {(key: string) => string} titleOf */
function head(command, openStory, titleOf) {
  const { result, glyph, words } = resultOf(command.status);
  const outcome = [words, command.verdict].filter(Boolean).join(" · ");
  const stories = command.story_keys.map((key) => {
    const name = `${shortKey(key)} ${titleOf(key)}`.trim();
    return h("button", { type: "button", class: "plain", text: name, on: { click: () => openStory(key) } });
  });
  return h(
    "header",
    { class: "command", "data-result": result },
    h("h2", { text: shortCommand(command.command) }),
    h("span", { class: "command-result" }, glyph ? icon(glyph) : null, outcome),
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
    ["Tokens", command.tokens === null ? "" : count(command.tokens)],
    ["Cost", command.cost_usd === null ? "" : money(command.cost_usd, command.estimated_usd)],
    ["Runs", command.background ? "in the background" : ""],
    ["Why", command.reason],
  ];
  const known = all.filter(([, value]) => value !== "");
  return h("dl", { class: "detail-facts" }, ...known.map(([name, value]) => fact(name, value)));
}

/** @param {string} name @param {string | HTMLElement} value */
function fact(name, value) {
  return h("div", {}, h("dt", { text: name }), typeof value === "string" ? h("dd", { text: value }) : value);
}
