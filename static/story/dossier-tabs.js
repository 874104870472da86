// @ts-check
/** The tabs of the dossier: which one is open is in the address, arrow keys go from one to the next. */
import { attr, h, show, text } from "../kit/dom.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";

/** @typedef {{name: string, title: string, el: HTMLElement, onShow?: () => void, onHide?: () => void}} Tab */

/** The parameter of the address. */
const PARAM = "dossier";

export class DossierTabs {
  bar;
  panels;
  #tabs;
  #buttons;
  #counts;
  #current = "";
  /** The tab that is open where the address names none. */
  #usual;

  /** @param {Tab[]} tabs the first one is open where the address names none */
  constructor(tabs) {
    this.#tabs = tabs;
    this.#usual = tabs[0].name;
    this.#counts = tabs.map(() => h("span", { class: "tab-count" }));
    this.#buttons = tabs.map(({ name, title }, at) => this.#createButton(name, title, at));
    for (const { name, el } of tabs) {
      attr(el, "id", `dossier-panel-${name}`);
      attr(el, "role", "tabpanel");
      attr(el, "aria-labelledby", `dossier-tab-${name}`);
      el.classList.add("dossier-panel");
    }
    this.bar = h(
      "div",
      { class: "dossier-tabs", role: "tablist", "aria-label": "Parts of the dossier" },
      ...this.#buttons,
    );
    this.panels = h("div", { class: "dossier-body" }, ...tabs.map(({ el }) => el));
    this.bar.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Opens the tab that the address names. */
  route() {
    const asked = urlParams().get(PARAM);
    this.#show(this.#tabs.find(({ name }) => name === asked)?.name ?? this.#usual);
  }

  /** Opens a tab where the address names none. @param {string} name */
  openUsual(name) {
    this.#usual = name;
    this.route();
  }

  /** @param {string} name */
  open(name) {
    setUrlParams({ [PARAM]: name === this.#usual ? null : name });
    this.#show(name);
  }

  /** Focuses the tab that is open. */
  focus() {
    this.#buttons[this.#tabs.findIndex(({ name }) => name === this.#current)].focus({ preventScroll: true });
  }

  /** @param {string} name @param {string} words "" for none */
  setCount(name, words) {
    const el = this.#counts[this.#tabs.findIndex((tab) => tab.name === name)];
    text(el, words);
    show(el, words !== "");
  }

  /** @param {string} name */
  #show(name) {
    if (name === this.#current) return;
    this.#tabs.find((tab) => tab.name === this.#current)?.onHide?.();
    this.#current = name;
    for (const [at, tab] of this.#tabs.entries()) {
      const isOpen = tab.name === name;
      attr(this.#buttons[at], "aria-selected", String(isOpen));
      attr(this.#buttons[at], "tabindex", isOpen ? "0" : "-1");
      show(tab.el, isOpen);
      if (isOpen) tab.onShow?.();
    }
  }

  /** @param {string} name @param {string} title @param {number} at */
  #createButton(name, title, at) {
    const props = { type: "button", role: "tab", id: `dossier-tab-${name}`, "aria-controls": `dossier-panel-${name}` };
    return h("button", { ...props, on: { click: () => this.open(name) } }, title, this.#counts[at]);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const at = this.#buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const last = this.#tabs.length - 1;
    /** @type {Record<string, number>} */
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last };
    if (at < 0 || !(event.key in to)) return;
    event.preventDefault();
    this.#buttons[to[event.key]].focus();
    this.open(this.#tabs[to[event.key]].name);
  }
}
