// @ts-check
/** The bar of the stories that are selected: how many, and what can be done with all of them. */
import { attr, byId, fill, h, show, text } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { openStatusMenu } from "./status-menu.js";
import { verbsFor } from "./story-verbs.js";

/** @typedef {import("../shell/model.js").Model} Model */

export class SelectionBar {
  #root = byId("board-selection");
  #count = h("b");
  #verbs = h("span", { class: "selection-verbs" });
  #status = h("button", { type: "button", class: "button small", "aria-haspopup": "menu", text: "Set status…" });
  #drawn = "";
  #selection;

  /** @param {import("./selection.js").Selection} selection */
  constructor(selection) {
    this.#selection = selection;
    const clear = h("button", { type: "button", class: "button small", text: "Clear", title: "Clear (Esc)" });
    clear.addEventListener("click", () => selection.clear());
    this.#root.append(this.#count, this.#verbs, this.#status, clear);
  }

  /** @param {Model} model @param {boolean} writable */
  render(model, writable) {
    const { keys } = this.#selection;
    show(this.#root, keys.length > 0);
    attr(document.documentElement, "data-selecting", keys.length > 0 || null);
    if (!keys.length) return;
    text(this.#count, `${plural(keys.length, "story", "stories")} selected`);
    const stories = keys
      .flatMap((key) => model.plan.byKey.get(key) ?? [])
      .filter((story) => story.status !== "unknown");
    show(this.#status, writable && stories.length > 0);
    this.#status.onclick = () => openStatusMenu(this.#status, stories);
    this.#drawVerbs(model, keys);
  }

  /** @param {Model} model @param {string[]} keys */
  #drawVerbs(model, keys) {
    const verbs = verbsFor(model, keys);
    const drawn = [model.run.state, ...keys, ...verbs.map(({ words }) => words)].join();
    if (drawn === this.#drawn) return; // a button that has the focus stays
    this.#drawn = drawn;
    const buttons = verbs.map(({ words, run }, place) =>
      h("button", { type: "button", class: `button small${place ? "" : " primary"}`, text: words, on: { click: run } }),
    );
    fill(this.#verbs, ...buttons);
  }
}
