// @ts-check
/** The card of a story on the Board: its title, progress, the evidence of its status, and what runs on it now. */
import { attr, h, icon, setIcon, show, text } from "../kit/dom.js";
import { shortKey, statusText } from "../kit/format.js";
import { CardParts } from "./card-parts.js";

/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {import("../state.js").Operation} Operation */
/**
 * @typedef {{story: PlanStory, operation: Operation | null, movable: boolean, selectable: boolean, selected: boolean,
 *   replaying: boolean, note: string}} Card
 *   `note`: why it does not start, or where the run stops
 */

export class StoryCard {
  el;
  #title = h("span", { class: "card-title", dir: "auto" });
  #open;
  #box;
  #change;
  #glyph = icon("backlog");
  #status = h("span");
  #description = h("p", { class: "card-text", dir: "auto" });
  #parts = new CardParts();

  /** @param {Card} card @param {(key: string) => void} openStory */
  constructor({ story }, openStory) {
    const { key } = story;
    const button = { type: "button", tabindex: "-1" };
    const name = shortKey(key);
    this.#open = h("button", { ...button, class: "card-open", on: { click: () => openStory(key) } }, this.#title);
    this.#open.disabled = story.status === "other";
    this.#change = h(
      "button",
      { ...button, class: "card-move", "aria-haspopup": "menu", title: "Change the status (m)" },
      h("span", { "aria-hidden": "true", text: "⋯" }),
    );
    this.#box = h("input", { type: "checkbox", tabindex: "-1", "aria-label": `Select ${name}` });
    const check = h("label", { class: "card-check", "data-verb": true }, this.#box);
    const status = h("span", { class: "card-status" }, this.#glyph, this.#status);
    const head = h("p", { class: "card-head" }, check, h("span", { class: "key", text: name, title: key }), status);
    const parts = [head, this.#open, this.#change, this.#description, this.#parts.el];
    this.el = h("li", { class: "card", "data-key": key }, ...parts);
  }

  /** @param {number} now */
  tick(now) {
    this.#parts.tick(now);
  }

  /** @param {Card} card */
  update({ story, operation, movable, selectable, selected, replaying, note }) {
    const { status, standing } = story;
    text(this.#title, story.title || story.key);
    text(this.#description, story.description);
    text(this.#status, statusText(status));
    setIcon(this.#glyph, status);
    this.#parts.show("raw", status === "unknown" ? story : null);
    this.#parts.show("tasks", story.tasks?.total && status !== "done" ? story : null);
    this.#parts.show("evidence", replaying || standing?.before ? null : (standing ?? null));
    this.#parts.show("drift", story.drift ? story : null);
    this.#parts.show("live", operation);
    this.#parts.show("note", note || null);
    show(this.#change, movable);
    attr(this.#change, "aria-label", `Change the status of ${shortKey(story.key)}, now ${statusText(status)}`);
    attr(this.el, "data-status", status);
    attr(this.el, "draggable", movable ? "true" : null);
    attr(this.el, "data-live", operation && (operation.background ? "background" : "now"));
    attr(this.el, "data-selectable", selectable);
    attr(this.el, "data-selected", selected);
    this.#box.checked = selected;
    this.#box.disabled = !selectable;
  }
}
