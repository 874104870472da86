// @ts-check
/** Messages to this device while the page is closed, in the Settings tab. */
import { h } from "../kit/dom.js";

export class PushPanel {
  el = h("div", { class: "push" });

  async read() {}
}
