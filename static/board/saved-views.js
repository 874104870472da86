// @ts-check
/** Named views of the Board: filter, order and layout as the address has them, kept in this browser. */
import { attr, byId, h, icon, list, show, text } from "../kit/dom.js";
import { readStored, writeStored } from "../kit/storage.js";
import { toast } from "../kit/toast.js";
import { urlParams } from "../kit/url-params.js";

/** @typedef {{name: string, query: string}} View */

const STORED = "board.views";
/** Most views that are kept; the list stays one that is read at a glance. */
const MOST = 20;
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

  /** @param {(params: URLSearchParams) => void} apply */
  constructor(apply) {
    this.#apply = apply;
    const label = h("label", { for: "view-name", text: "Save this view as" });
    const save = h("button", { type: "submit", class: "button small", text: "Save" });
    const form = h("form", { class: "views-form", novalidate: true }, label, h("div", {}, this.#name, save));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.#panel.append(this.#rows, this.#none, form);
    this.#panel.addEventListener("toggle", (event) => {
      const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
      attr(this.#open, "aria-expanded", String(isOpen));
      if (isOpen) this.#draw();
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

  #draw() {
    const views = readViews();
    this.#list.render(views);
    show(this.#rows, views.length > 0);
    show(this.#none, !views.length);
    this.#name.value = "";
  }

  #save() {
    const name = this.#name.value.trim();
    attr(this.#name, "aria-invalid", name ? null : "true");
    if (!name) return this.#name.focus();
    const others = readViews().filter((view) => view.name !== name);
    writeViews([...others, { name, query: queryNow() }].slice(-MOST));
    this.#panel.hidePopover();
    this.#open.focus();
    toast(`Saved in this browser: ${name}.`, "good");
  }

  /** @param {View} view */
  #row({ name, query }) {
    const use = h("button", { type: "button", class: "view-use", text: name, dir: "auto" });
    use.addEventListener("click", () => {
      this.#panel.hidePopover();
      this.#open.focus();
      this.#apply(new URLSearchParams(query));
    });
    const remove = h(
      "button",
      { type: "button", class: "ghost", "aria-label": `Remove the view ${name}` },
      icon("cross"),
    );
    remove.addEventListener("click", () => {
      writeViews(readViews().filter((view) => view.name !== name));
      this.#draw();
      (this.#rows.querySelector("button") ?? this.#name).focus();
    });
    const el = h("li", {}, use, remove);
    return { el, update: (/** @type {View} */ view) => text(use, view.name) };
  }
}

function queryNow() {
  const params = urlParams();
  return new URLSearchParams(
    PARAMS.flatMap((name) => (params.get(name) ? [[name, params.get(name) ?? ""]] : [])),
  ).toString();
}

/** @returns {View[]} */
function readViews() {
  try {
    const stored = JSON.parse(readStored(STORED, "[]"));
    return stored.filter((/** @type {any} */ view) => typeof view?.name === "string" && typeof view.query === "string");
  } catch {
    return [];
  }
}

/** @param {View[]} views */
function writeViews(views) {
  writeStored(STORED, JSON.stringify(views));
}
