// @ts-check
/** A disclosure whose content is fetched when it is first opened; an error is shown in place, with another try. */
import { catchApiError } from "./api.js";
import { attr, fill, h } from "./dom.js";

/**
 * @param {{class: string, summary: (Node | string)[], load: () => Promise<Node[]>, region?: string}} parts
 *   `region` names the content for screen readers where it scrolls by itself
 */
export function createDisclosure(parts) {
  return new Disclosure(parts);
}

export class Disclosure {
  el;
  body;
  #load;
  #loaded = false;
  #busy = false;
  #stale = true;

  /** @param {Parameters<typeof createDisclosure>[0]} parts */
  constructor({ class: name, summary, load, region }) {
    const props = region ? { role: "region", tabindex: "0", "aria-label": region } : {};
    this.body = h("div", { class: `${name}-body`, ...props });
    this.el = h("details", { class: name }, h("summary", {}, ...summary), this.body);
    this.#load = load;
    this.el.addEventListener("toggle", () => this.el.open && this.#stale && this.reload());
  }

  /** Reads the content anew: now where it is open, otherwise when it is opened. */
  async reload() {
    this.#stale = true;
    if (this.#busy || !this.el.open) return;
    this.#busy = true;
    attr(this.body, "aria-busy", "true");
    await catchApiError(this.#readWhileStale(), (error) => this.#fail(error)).finally(() => {
      attr(this.body, "aria-busy", null);
      this.#busy = false;
    });
  }

  /** Reads, and once more if the content became stale meanwhile. */
  async #readWhileStale() {
    while (this.#stale && this.el.open) {
      this.#stale = false;
      await this.#read();
    }
  }

  async #read() {
    const { body } = this;
    if (!this.#loaded) fill(body, h("p", { class: "empty", text: "Loading" }));
    const nodes = await this.#load();
    // Nodes that are there already stay in the document: they may be open or selected.
    const isSame = nodes.length === body.childNodes.length && nodes.every((node, at) => node === body.childNodes[at]);
    if (!isSame) fill(body, ...nodes);
    this.#loaded = true;
  }

  /** @param {Error} error */
  #fail(error) {
    this.#stale = !this.#loaded;
    if (this.#loaded) return;
    const retry = { type: "button", class: "plain", text: "Try again", on: { click: () => this.reload() } };
    fill(this.body, h("p", { class: "empty" }, error.message, " ", h("button", retry)));
  }
}
