// @ts-check
/** What builds have put off: the list of the project, of which the operator makes tickets. */
import { catchApiError, get, post } from "../kit/api.js";
import { attr, byId, h, list, show, text } from "../kit/dom.js";
import { plural, shortKey } from "../kit/format.js";
import { toast } from "../kit/toast.js";

/**
 * @typedef {{id: number, story_key: string, summary: string, evidence: string, location: string, severity: string,
 *   found_at: number, ticket: string | null}} Finding
 * @typedef {{finding: Finding, places: string[]}} FindingItem
 */

/** The labels of the places. @type {Record<string, string>} */
const PLACES = { backlog: "To the backlog", inbox: "To the inbox" };

export class DeferredList {
  #rows = list(
    byId("deferred-list"),
    (/** @type {FindingItem} */ { finding }) => finding.id,
    (item) => this.#row(item),
  );
  /** The plan for which it was read last. @type {unknown} */ #readFor = null;

  /** Reads the list again when the plan was. @param {import("../shell/plan.js").Plan} plan */
  render(plan) {
    if (plan.sprint === this.#readFor) return;
    this.#readFor = plan.sprint;
    void this.#read();
  }

  async #read() {
    const answer = await catchApiError(get("/api/deferred"));
    if (!answer) return;
    const open = answer.findings.filter((/** @type {Finding} */ finding) => !finding.ticket);
    this.#rows.render(open.map((/** @type {Finding} */ finding) => ({ finding, places: answer.places })));
    text(byId("deferred-title"), `Put off by builds: ${plural(open.length, "finding", "findings")}`);
    show(byId("deferred"), open.length > 0);
  }

  /** @param {FindingItem} item */
  #row({ finding, places }) {
    const buttons = places.map((place) => {
      const button = h("button", { type: "button", class: "button small", text: PLACES[place] ?? place });
      button.addEventListener("click", () => void this.#keep(finding, place, button));
      return button;
    });
    const head = h("span", { class: "key", text: shortKey(finding.story_key), title: finding.story_key });
    const el = h(
      "li",
      {},
      head,
      h("div", {}, ...findingParts(finding)),
      h("div", { class: "decisions", "data-verb": true }, ...buttons),
    );
    return { el, update() {} };
  }

  /** @param {Finding} finding @param {string} place @param {HTMLElement} button */
  async #keep({ id }, place, button) {
    if (button.getAttribute("aria-disabled")) return;
    attr(button, "aria-disabled", "true");
    const request = post(`/api/deferred/${id}`, { place }).finally(() => attr(button, "aria-disabled", null));
    const answer = await catchApiError(request, (error) => void toast(error.message, "bad"));
    if (answer) toast(`It is ${answer.ticket} now.`, "good");
    await this.#read();
  }
}

/** @param {Finding} finding */
export function findingParts({ summary, evidence, location, severity, ticket }) {
  const aside = [severity, location, evidence, ticket && `became ${ticket}`].filter(Boolean).join(" · ");
  return [h("p", { text: summary }), aside && h("p", { class: "soft", text: aside })];
}
