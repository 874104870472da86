// @ts-check
/** The topics beside their pages; on a phone a list to choose from. The open one is in the address. */
import { attr, h } from "../kit/dom.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";
import { TOPICS } from "./topics.js";

const isSettings = () => location.hash.startsWith("#settings");

export class TopicNav {
  #links = new Map(
    TOPICS.map(({ id, title }) => [id, h("a", { href: `#settings?topic=${id}` }, h("span", { text: title }))]),
  );
  #choice = h(
    "select",
    { "aria-label": "Topic" },
    ...TOPICS.map(({ id, title }) => h("option", { value: id, text: title })),
  );
  el = h(
    "nav",
    { class: "topics", "aria-label": "Topics" },
    h("ul", {}, ...[...this.#links.values()].map((link) => h("li", {}, link))),
    this.#choice,
  );
  /** The open topic, which stays open while another tab is. */
  #current = TOPICS[0].id;
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#choice.addEventListener("change", () => {
      setUrlParams({ topic: this.#choice.value });
      this.#read();
    });
    addEventListener("hashchange", () => this.#read());
    this.#follow();
  }

  get current() {
    return this.#current;
  }

  /**
   * @param {{found: Set<string> | null, changed: Set<string>}} marks the topics in which the search finds something, null
   *   without one, and those with a change that is not saved
   */
  render({ found, changed }) {
    for (const [id, link] of this.#links) {
      attr(link, "aria-current", !found && id === this.#current ? "page" : null);
      attr(link, "data-empty", found !== null && !found.has(id));
      attr(link, "data-changed", changed.has(id));
      attr(link, "title", changed.has(id) ? "A change is not saved" : null);
    }
    this.#choice.value = this.#current;
  }

  #read() {
    if (!isSettings()) return;
    this.#follow();
    this.#onChange();
  }

  #follow() {
    const wanted = isSettings() ? (urlParams().get("topic") ?? "") : "";
    if (this.#links.has(wanted)) this.#current = wanted;
  }
}
