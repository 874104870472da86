// @ts-check
/** Something folded whose content is fetched when it is first opened; a failure is said in place, with another try. */
import { ApiError } from "./api.js";
import { attr, h } from "./dom.js";

/**
 * @param {{class: string, summary: (Node | string)[], load: () => Promise<Node[]>, region?: string}} parts
 *   `region` names the content for screen readers where it scrolls by itself
 * @returns {{el: HTMLDetailsElement, again: () => void}} `again` reads the content anew if it was read before
 */
export function createFold({ class: name, summary, load, region }) {
  const body = h("div", { class: `${name}-body`, ...(region ? { role: "region", tabindex: "0", "aria-label": region } : {}) });
  const el = h("details", { class: name }, h("summary", {}, ...summary), body);
  let loaded = false;

  async function read() {
    attr(body, "aria-busy", "true");
    if (!loaded) body.replaceChildren(h("p", { class: "empty", text: "Loading" }));
    try {
      body.replaceChildren(...(await load()));
      loaded = true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const retry = h("button", { type: "button", class: "plain", text: "Try again", on: { click: read } });
      if (!loaded) body.replaceChildren(h("p", { class: "empty" }, error.message, " ", retry));
    } finally {
      attr(body, "aria-busy", null);
    }
  }

  el.addEventListener("toggle", () => el.open && !loaded && read());
  return { el, again: () => loaded && read() };
}
