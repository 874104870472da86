// @ts-check
/** The page of a topic: its settings, and what else belongs to it. */
import { h, list, show } from "../kit/dom.js";
import { SettingField } from "./setting-field.js";

/** @typedef {import("./setting-format.js").Setting} Setting */
/** @typedef {{el: HTMLElement, filter: (query: string) => boolean}} Panel */

export class TopicPage {
  id;
  el;
  #rows = h("div", { class: "setting-group", hidden: true });
  /** @type {Panel[]} */ #panels = [];
  #list;

  /** @param {import("./topics.js").Topic} topic @param {() => void} onChange */
  constructor({ id, title, words }, onChange) {
    this.id = id;
    const head = h("header", {}, h("h2", { id: `topic-${id}`, text: title }), h("p", { class: "soft", text: words }));
    this.el = h("section", { class: "topic", "aria-labelledby": `topic-${id}`, hidden: true }, head, this.#rows);
    // A setting that is locked or unlocked needs another control: that is part of the key.
    this.#list = list(
      this.#rows,
      (/** @type {Setting} */ setting) => `${setting.name} ${setting.locked === null}`,
      (setting) => new SettingField(setting, onChange),
    );
  }

  get fields() {
    return [...this.#list.views()];
  }

  /** @param {Panel | null} panel @param {...HTMLElement} more what no search looks at */
  add(panel, ...more) {
    if (panel) this.#panels.push(panel);
    this.el.append(...(panel ? [panel.el] : []), ...more);
  }

  /** Adds a panel above the settings. @param {Panel} panel */
  lead(panel) {
    this.#panels.push(panel);
    this.#rows.before(panel.el);
  }

  /** @param {Setting[]} settings */
  render(settings) {
    this.#list.render(settings);
    show(this.#rows, settings.length > 0);
  }

  /** Shows what matches. @param {string} query in lower case @returns {boolean} whether something does */
  filter(query) {
    let any = false;
    for (const { el } of this.fields) {
      const matches = !query || (el.textContent ?? "").toLowerCase().includes(query);
      show(el, matches);
      any ||= matches;
    }
    show(this.#rows, any);
    for (const panel of this.#panels) {
      const matches = panel.filter(query);
      show(panel.el, matches);
      any ||= matches;
    }
    return any;
  }
}
