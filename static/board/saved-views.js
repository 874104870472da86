// @ts-check
/**
 * Named views of the Board: filter, order and layout as the address has them. The server keeps them for all browsers; those
 * that this browser kept by itself before are given to it once.
 */
import { catchApiError, get, put } from "../kit/api.js";
import { attr, byId, h, icon, list, show, text } from "../kit/dom.js";
import { isReader } from "../kit/role.js";
import { readStored, writeStored } from "../kit/storage.js";
import { toast } from "../kit/toast.js";
import { urlParams } from "../kit/url-params.js";

/** @typedef {{name: string, query: string}} View */

const PATH = "/api/board/views";
/** Where earlier versions of the page kept them. */
const STORED = "board.views";
/** The parameters that make a view; an open story is none of them. */
export const PARAMS = ["q", "epic", "status", "sort", "layout"];

export class SavedViews {
  #open = byId("board-views");
  #panel = byId("board-views-panel");
  #none = h("p", { class: "soft", text: "None yet. A view is the filter, the order and the layout." });
  #rows = h("ul", { class: "views-list", "aria-label": "Saved views" });
  #name = h("input", { type: "text", id: "view-name", maxlength: 60, autocomplete: "off" });
  #list = list(
    this.#rows,
    (/** @type {View} */ { name }) => name,
    (view) => this.#row(view),
  );
  #apply;
  /** As they were read last. @type {readonly View[]} */ #views = [];

  /** @param {(params: URLSearchParams) => void} apply */
  constructor(apply) {
    this.#apply = apply;
    const label = h("label", { for: "view-name", text: "Save this view as" });
    const save = h("button", { type: "submit", class: "button small", text: "Save" });
    const form = h(
      "form",
      { class: "views-form", novalidate: true, "data-verb": true },
      label,
      h("div", {}, this.#name, save),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.#panel.append(this.#rows, this.#none, form);
    this.#panel.addEventListener("toggle", (event) => {
      const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
      attr(this.#open, "aria-expanded", String(isOpen));
      if (isOpen) void this.#read();
    });
    this.#open.addEventListener("click", () => this.#place());
  }

  #place() {
    const { bottom, right } = this.#open.getBoundingClientRect();
    this.#panel.showPopover();
    const { width } = this.#panel.getBoundingClientRect();
    this.#panel.style.top = `${bottom + 4}px`;
    this.#panel.style.left = `${Math.max(8, Math.min(right, innerWidth - 8) - width)}px`;
    (this.#rows.querySelector("button") ?? this.#name).focus();
  }

  async #read() {
    this.#name.value = "";
    this.#draw(this.#views);
    const answer = (await catchApiError(giveStored(), complain)) ?? (await catchApiError(get(PATH), complain));
    if (!answer) return;
    const { activeElement } = document;
    this.#draw(answer.views);
    if (activeElement === this.#name && !this.#name.value) this.#rows.querySelector("button")?.focus();
  }

  /** @param {readonly View[]} views */
  #draw(views) {
    this.#views = views;
    this.#list.render(views);
    show(this.#rows, views.length > 0);
    show(this.#none, !views.length);
  }

  async #save() {
    const name = this.#name.value.trim();
    attr(this.#name, "aria-invalid", name ? null : "true");
    if (!name) return this.#name.focus();
    const answer = await catchApiError(put(PATH, { name, query: queryNow() }), complain);
    if (!answer) return;
    this.#panel.hidePopover();
    this.#open.focus();
    toast(`Saved for all browsers: ${name}.`, "good");
  }

  /** @param {string} name */
  async #remove(name) {
    const answer = await catchApiError(put(PATH, { name, query: null }), complain);
    if (!answer) return;
    this.#draw(answer.views);
    (this.#rows.querySelector("button") ?? this.#name).focus();
  }

  /** @param {View} view */
  #row({ name, query }) {
    let now = query;
    const use = h("button", { type: "button", class: "view-use", text: name, dir: "auto" });
    use.addEventListener("click", () => {
      this.#panel.hidePopover();
      this.#open.focus();
      this.#apply(new URLSearchParams(now));
    });
    const remove = h(
      "button",
      { type: "button", class: "ghost", "data-verb": true, "aria-label": `Remove the view ${name}` },
      icon("cross"),
    );
    remove.addEventListener("click", () => this.#remove(name));
    const el = h("li", {}, use, remove);
    return {
      el,
      update: (/** @type {View} */ view) => {
        text(use, view.name);
        now = view.query;
      },
    };
  }
}

function queryNow() {
  const params = urlParams();
  return new URLSearchParams(
    PARAMS.flatMap((name) => (params.get(name) ? [[name, params.get(name) ?? ""]] : [])),
  ).toString();
}

/** @param {Error} error */
function complain(error) {
  toast(error.message, "bad");
  return null;
}

/** Gives the server what only this browser has. @returns {Promise<{views: View[]} | null>} null where there is nothing */
async function giveStored() {
  if (isReader) return null;
  let answer = null;
  for (const view of readStoredViews()) answer = await put(PATH, { name: view.name.slice(0, 60), query: view.query });
  writeStored(STORED, null);
  return answer;
}

/** @returns {View[]} */
function readStoredViews() {
  try {
    const stored = JSON.parse(readStored(STORED, "[]"));
    return stored.filter((/** @type {any} */ view) => typeof view?.name === "string" && typeof view.query === "string");
  } catch {
    return [];
  }
}
