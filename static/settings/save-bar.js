// @ts-check
/** The bar of unsaved settings: how many there are, what will be written to the file, and Save and Discard. */
import { fill, h, show, text } from "../kit/dom.js";
import { plural } from "../kit/format.js";

/** The kind of a line of a diff, by its first character. @type {Record<string, string>} */
const SIGNS = { "+": "plus", "-": "minus" };

export class SaveBar {
  el = h("section", { class: "settings-save", id: "settings-save", "aria-label": "Changes", hidden: true });
  #summary = h("p", { class: "save-words", id: "save-words", role: "status" });
  #diff = h("pre", {
    class: "save-diff",
    id: "save-diff",
    tabindex: "0",
    "aria-label": "What will be written to sprint-runner.yaml",
  });
  #save = h("button", { type: "submit", class: "button primary", id: "settings-submit", text: "Save" });

  /** @param {() => void} discard */
  constructor(discard) {
    const button = h("button", { type: "button", class: "button", id: "settings-discard", text: "Discard" });
    button.addEventListener("click", discard);
    this.el.append(h("div", { class: "save-head" }, this.#summary, button, this.#save), this.#diff);
  }

  /** @param {{changes: number, wrong: number, saving: boolean}} state `wrong`: changes that cannot be saved */
  show({ changes, wrong, saving }) {
    show(this.el, changes > 0);
    this.#save.disabled = wrong > 0 || saving;
    if (!changes) return;
    const summary = wrong
      ? `${plural(wrong, "value")} cannot be saved yet.`
      : `${plural(changes, "change")} to sprint-runner.yaml`;
    text(this.#summary, summary);
    if (wrong) fill(this.#diff);
  }

  /** @param {string[]} lines */
  showDiff(lines) {
    const spans = lines.map((line) =>
      h("span", { class: "diff-line", "data-sign": SIGNS[line[0]] ?? null, text: `${line}\n` }),
    );
    fill(this.#diff, ...spans);
    if (!lines.length) text(this.#diff, "The file already says so.");
  }

  /** @param {import("../kit/api.js").ApiError} error of the server, or of the connection */
  refuse(error) {
    fill(this.#diff);
    text(this.#summary, error.message);
    // Without an answer of the server the same values may be saved again.
    this.#save.disabled = error.status !== 0;
  }

  /** Disables Save while a request is on its way. */
  disable() {
    this.#save.disabled = true;
  }
}
