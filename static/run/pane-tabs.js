// @ts-check
/** The two tabs beside the steps: the output of a command, and the log. The open one is in the address and remembered. */
import { attr, byId, show } from "../kit/dom.js";
import { readStored, writeStored } from "../kit/storage.js";
import { setUrlParams } from "../kit/url-params.js";

/** @typedef {"output" | "log"} PaneName */

/** @type {readonly PaneName[]} */
const PANES = ["output", "log"];
/** Parameters of the address that are about the log. */
const OF_LOG = ["line", "q", "level", "of", "command"];

export class PaneTabs {
  /** @type {PaneName} */ open = "output";
  /** @type {(() => void)[]} */ #listeners = [];

  constructor() {
    for (const name of PANES) tabOf(name).addEventListener("click", () => this.choose(name));
    byId("pane").addEventListener("keydown", (event) => this.#key(event));
    this.#show(readStored("pane", "output") === "log" ? "log" : "output");
  }

  /** @param {() => void} listener called when another tab is shown */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** @param {PaneName} name */
  choose(name) {
    writeStored("pane", name === "log" ? name : null);
    setUrlParams({ pane: name === "log" ? name : null });
    this.#show(name);
  }

  /** Opens what the address names. @param {URLSearchParams} params */
  route(params) {
    if (params.get("pane") === "log" || OF_LOG.some((name) => params.has(name))) this.#show("log");
  }

  /** @param {PaneName} name */
  #show(name) {
    this.open = name;
    for (const pane of PANES) {
      const tab = tabOf(pane);
      attr(tab, "aria-selected", String(pane === name));
      attr(tab, "tabindex", pane === name ? null : "-1");
      show(byId(pane), pane === name);
    }
    attr(byId("tab-run"), "data-pane", name);
    for (const listener of this.#listeners) listener();
  }

  /** @param {KeyboardEvent} event */
  #key({ key, target }) {
    const isTab = target instanceof HTMLElement && target.getAttribute("role") === "tab";
    if (!isTab || !["ArrowLeft", "ArrowRight"].includes(key)) return;
    const other = this.open === "log" ? "output" : "log";
    this.choose(other);
    tabOf(other).focus();
  }
}

/** @param {PaneName} name */
function tabOf(name) {
  return byId(`pane-${name}`);
}
