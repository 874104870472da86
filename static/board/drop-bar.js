// @ts-check
/** The places to which cards can be dragged, shown while one is: every status, and what runs next. */
import { byId, fill, h, icon, show } from "../kit/dom.js";
import { statusText } from "../kit/format.js";
import { WRITABLE } from "./set-status.js";

/** The place of what runs next, beside the statuses. */
export const QUEUE = "queue";

export class DropBar {
  #root = byId("board-drop");

  constructor() {
    const places = WRITABLE.map((status) =>
      h("div", { class: "drop-place", "data-drop": status, "data-status": status }, icon(status), statusText(status)),
    );
    fill(this.#root, ...places, h("div", { class: "drop-place", "data-drop": QUEUE }, icon("play"), "Run next"));
  }

  /** @param {boolean} shown */
  show(shown) {
    show(this.#root, shown);
  }
}
