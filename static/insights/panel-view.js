// @ts-check
/** One panel of the Insights tab: a heading, its chart or its table, and the table as a file. */
import { download, toCsv } from "../kit/csv.js";
import { attr, byId, fill, h, show, text } from "../kit/dom.js";
import { ChartCursor } from "./chart-cursor.js";

/** @typedef {import("./panel-catalog.js").Panel} Panel */

export class PanelView {
  el;
  open = false;
  #title;
  #table = h("button", { type: "button", class: "button small", "aria-pressed": "false", text: "Table" });
  #csv = h("button", { type: "button", class: "button small", text: "CSV" });
  #legend = h("ul", { class: "panel-legend" });
  #chart = h("div", { class: "panel-chart" });
  #cursor;
  #place;
  #note = h("p", { class: "panel-note" });
  /** @type {Panel | null} */ #panel = null;

  /** @param {string} id @param {(first: string, last: string) => void} onRange is called with days that are chosen */
  constructor(id, onRange) {
    const name = `panel-${id}`;
    this.id = id;
    this.#title = h("h2", { id: name });
    const region = { role: "region", tabindex: "0" };
    this.#place = h("div", { class: "scroll-x panel-table", ...region, hidden: true });
    const head = h("header", {}, this.#title, h("span", { class: "panel-tools" }, this.#table, this.#csv));
    const props = { class: "panel", "aria-labelledby": name, "data-panel": id };
    this.#cursor = new ChartCursor(name, onRange);
    this.el = h("section", props, head, this.#legend, this.#chart, this.#place, this.#note);
    this.#table.addEventListener("click", () => this.#toggleTable());
    this.#csv.addEventListener("click", () => this.#download());
  }

  /** @param {Panel} panel */
  update(panel) {
    this.#panel = panel;
    this.open = panel.open ?? this.open;
    text(this.#title, panel.title);
    text(this.#note, panel.note);
    show(this.#note, panel.note !== "");
    attr(this.#place, "aria-label", `${panel.title}, the table`);
    attr(this.#table, "aria-label", `Table: ${panel.title}`);
    attr(this.#csv, "aria-label", `CSV: ${panel.title}`);
    const items = panel.legend.map(([tone, words]) => h("li", {}, h("i", { class: `swatch tone-${tone}` }), words));
    fill(this.#legend, ...items);
    // The width is known only when the panel is in the document.
    queueMicrotask(() => this.#draw());
  }

  #draw() {
    if (!this.#panel) return;
    attr(this.#table, "aria-pressed", String(this.open));
    show(this.#place, this.open);
    show(this.#chart, !this.open);
    show(this.#legend, !this.open && this.#panel.legend.length > 0);
    if (this.open) fill(this.#place, tableOf(this.#panel));
    else this.#drawChart(this.#panel);
  }

  /** @param {Panel} panel */
  #drawChart(panel) {
    const width = Math.floor(this.#chart.clientWidth);
    const chart = width > 0 ? panel.draw(width) : null;
    // The cursor stays in the document: it may have the focus.
    if (this.#cursor.el.parentNode !== this.#chart) this.#chart.append(this.#cursor.el);
    this.#chart.querySelector(":scope > svg")?.remove();
    if (chart) this.#chart.prepend(chart.el);
    this.#cursor.update(chart?.marks ?? []);
  }

  #toggleTable() {
    this.open = !this.open;
    this.#draw();
    this.el.dispatchEvent(new CustomEvent("table-toggle", { bubbles: true }));
  }

  #download() {
    if (!this.#panel) return;
    const { names, rows } = this.#panel.table;
    const project = byId("project-name").textContent || "sprint-runner";
    const csv = toCsv(
      names,
      rows.map((row) => row.raw),
    );
    download(`${project}-${this.id}.csv`, csv);
  }
}

/** @param {Panel} panel */
function tableOf({ title, table }) {
  const rows = table.rows.map(({ cells }) => bodyRow(cells));
  return h(
    "table",
    {},
    h("caption", { class: "unseen", text: title }),
    h("thead", {}, headRow(table.head)),
    h("tbody", {}, ...rows),
    table.foot ? h("tfoot", {}, bodyRow(table.foot)) : null,
  );
}

/** @param {string[]} cells */
function headRow(cells) {
  return h("tr", {}, ...cells.map((cell, index) => h("th", { scope: "col", class: styleOf(index), text: cell })));
}

/** @param {string[]} cells */
function bodyRow([name, ...cells]) {
  const head = h("th", { scope: "row", class: styleOf(0), text: name });
  return h("tr", {}, head, ...cells.map((cell) => h("td", { class: styleOf(1), text: cell })));
}

/** @param {number} index of a column */
function styleOf(index) {
  return index ? "number" : "";
}
