// @ts-check
/** Something folded whose content is fetched when it is first opened; a failure is said in place, with another try. */
import { ApiError } from "./api.js";
import { attr, h } from "./dom.js";

/**
 * @param {{class: string, summary: (Node | string)[], load: () => Promise<Node[]>, region?: string}} parts
 *   `region` names the content for screen readers where it scrolls by itself
 * @returns {{el: HTMLDetailsElement, body: HTMLElement, again: () => void}} `again` reads the content anew: now where
 *   it
 *   is open, else when it is opened
 */
export function createFold({ class: name, summary, load, region }) {
  const body = h("div", {
    class: `${name}-body`,
    ...(region ? { role: "region", tabindex: "0", "aria-label": region } : {}),
  });
  const el = h("details", { class: name }, h("summary", {}, ...summary), body);
  let [loaded, busy, stale] = [false, false, true];

  /** Reads, and once more if it was asked to while it did. */
  async function read() {
    stale = true;
    if (busy || !el.open) return;
    busy = true;
    attr(body, "aria-busy", "true");
    try {
      while (stale && el.open) {
        stale = false;
        await fill();
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      stale = !loaded;
      if (!loaded)
        body.replaceChildren(
          h(
            "p",
            { class: "empty" },
            error.message,
            " ",
            h("button", { type: "button", class: "plain", text: "Try again", on: { click: read } }),
          ),
        );
    } finally {
      attr(body, "aria-busy", null);
      busy = false;
    }
  }

  async function fill() {
    if (!loaded) body.replaceChildren(h("p", { class: "empty", text: "Loading" }));
    const nodes = await load();
    // What is there already stays where it is, with what is open and chosen in it.
    if (nodes.length !== body.childNodes.length || nodes.some((node, at) => node !== body.childNodes[at]))
      body.replaceChildren(...nodes);
    loaded = true;
  }

  el.addEventListener("toggle", () => el.open && stale && read());
  return { el, body, again: read };
}
