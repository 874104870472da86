// @ts-check
/** The live output of several lanes side by side: a column for each, which follows on its own. */
import { attr, fill, h, list, text } from "../kit/dom.js";
import { shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { OutputStream } from "./output-stream.js";

/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {{id: number, keys: readonly string[], title: string, command: Command | null}} Column */

export class OutputColumns {
  el = h("div", { class: "output-columns", role: "group", "aria-label": "Lanes side by side" });
  #list;

  /** @param {(keys: readonly string[]) => void} onAlone shows one lane alone */
  constructor(onAlone) {
    this.#list = list(
      this.el,
      (/** @type {Column} */ column) => column.id,
      (column) => new LaneColumn(column, onAlone),
    );
    this.el.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @param {readonly Column[]} columns */
  render(columns) {
    const before = new Set(this.#list.views());
    this.#list.render(columns);
    for (const view of this.#list.views()) before.delete(view);
    for (const gone of before) gone.end();
  }

  /** @param {number} now */
  tick(now) {
    for (const view of this.#list.views()) view.tick(now);
  }

  /** The connection is there again. */
  reconnected() {
    for (const view of this.#list.views()) view.reconnected();
  }

  /** They are shown no more. */
  end() {
    this.render([]);
    this.el.remove();
  }

  /** The arrows go from one output to the next. @param {KeyboardEvent} event */
  #pressed(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const target = /** @type {HTMLElement} */ (event.target);
    if (!by || !target.classList.contains("output-view")) return;
    const views = /** @type {HTMLElement[]} */ ([...this.el.querySelectorAll(".output-view")]);
    event.preventDefault();
    views[(views.indexOf(/** @type {HTMLElement} */ (target)) + by + views.length) % views.length].focus();
  }
}

class LaneColumn {
  #name = h("b");
  #keys = h("span", { class: "key" });
  #title = h("span", { class: "title", dir: "auto" });
  #story = h("a", { class: "column-story" }, this.#keys, this.#title);
  #time = h("time");
  #frame = h("div", { class: "output-frame" });
  /** @type {OutputStream | null} */ #stream = null;
  /** @type {Command | null} */ #command = null;
  el;

  /** @param {Column} column @param {(keys: readonly string[]) => void} onAlone */
  constructor({ keys }, onAlone) {
    const names = keys.map(shortKey).join(", ");
    const alone = h("button", { type: "button", class: "plain", text: "Alone", "aria-label": `Show ${names} alone` });
    alone.addEventListener("click", () => onAlone(keys));
    const head = h("header", { class: "column-head" }, this.#name, this.#story, this.#time, alone);
    this.el = h("section", { class: "output-column", "aria-label": `Output of ${names}` }, head, this.#frame);
  }

  /** @param {Column} column */
  update({ command, keys: all, title }) {
    const own = command?.story_keys.filter(Boolean) ?? [];
    const keys = own.length ? own : all;
    attr(this.#story, "href", `#run?${new URLSearchParams({ story: keys[0] })}`);
    text(this.#keys, keys.map(shortKey).join(", "));
    text(this.#title, title);
    attr(this.#story, "title", title);
    const isOther = command?.command_id !== this.#command?.command_id;
    this.#command = command;
    text(this.#name, command ? shortCommand(command.command) : "");
    attr(this.el, "data-running", command?.status === "running");
    if (isOther || !this.#frame.firstChild) this.#open(command, keys[0]);
    const running = command?.status === "running";
    this.#stream?.update(running);
  }

  /** @param {Command | null} command @param {string} key of its story */
  #open(command, key) {
    this.end();
    this.#stream = command && new OutputStream(command.command_id, shortCommand(command.command), key);
    fill(this.#frame, this.#stream?.el ?? h("p", { class: "empty", text: "Its first command has not begun." }));
  }

  /** @param {number} now */
  tick(now) {
    const command = this.#command;
    text(this.#time, command ? stopwatch((command.ended_at ?? now) - command.started_at) : "");
  }

  reconnected() {
    this.#stream?.reconnected();
  }

  /** It is shown no more. */
  end() {
    this.#stream?.end();
    this.#stream = null;
  }
}
