// @ts-check
/** One panel of the Insights tab: a heading, its chart or its table, and the table as a file. */
import { download, toCsv } from "../kit/csv.js";
import { attr, byId, h, show, text } from "../kit/dom.js";

/** @typedef {import("./panel-catalog.js").Panel} Panel */

/** @param {string} id */
export function createPanel(id) {
  const name = `panel-${id}`;
  const title = h("h2", { id: name });
  const table = h("button", { type: "button", class: "button small", "aria-pressed": "false", text: "Table" });
  const csv = h("button", { type: "button", class: "button small", text: "CSV" });
  const legend = h("ul", { class: "panel-legend" });
  const chart = h("div", { class: "panel-chart" });
  const place = h("div", {
    class: "scroll-x panel-table",
    role: "region",
    tabindex: "0",
    "aria-labelledby": name,
    hidden: true,
  });
  const note = h("p", { class: "panel-note" });
  const el = h(
    "section",
    { class: "panel", "aria-labelledby": name, "data-panel": id },
    h("header", {}, title, h("span", { class: "panel-tools" }, table, csv)),
    legend,
    chart,
    place,
    note,
  );
  /** @type {Panel | null} */
  let shown = null;
  let open = false;

  function draw() {
    if (!shown) return;
    attr(table, "aria-pressed", String(open));
    show(place, open);
    show(chart, !open);
    show(legend, !open && shown.legend.length > 0);
    if (open) place.replaceChildren(tableOf(shown));
    else drawChart(shown);
  }

  /** @param {Panel} panel */
  function drawChart(panel) {
    const width = Math.floor(chart.clientWidth);
    const made = width > 0 ? panel.draw(width) : null;
    chart.replaceChildren(...(made ? [made] : []));
  }

  table.addEventListener("click", () => {
    open = !open;
    draw();
    el.dispatchEvent(new CustomEvent("fold", { bubbles: true }));
  });
  csv.addEventListener("click", () => {
    if (!shown) return;
    const { names, rows } = shown.table;
    download(
      `${byId("project-name").textContent || "sprint-runner"}-${id}.csv`,
      toCsv(
        names,
        rows.map((row) => row.raw),
      ),
    );
  });

  return {
    el,
    id,
    get open() {
      return open;
    },
    /** @param {Panel} panel */
    update(panel) {
      shown = panel;
      open = panel.open ?? open;
      text(title, panel.title);
      text(note, panel.note);
      show(note, panel.note !== "");
      attr(table, "aria-label", `Table: ${panel.title}`);
      attr(csv, "aria-label", `CSV: ${panel.title}`);
      legend.replaceChildren(
        ...panel.legend.map(([tone, words]) => h("li", {}, h("i", { class: `swatch tone-${tone}` }), words)),
      );
      // A panel is measured when it is in its place.
      queueMicrotask(draw);
    },
  };
}

/** @param {Panel} panel */
function tableOf({ title, table }) {
  const row = (/** @type {string[]} */ cells, /** @type {string} */ tag) =>
    h(
      "tr",
      {},
      ...cells.map((cell, index) =>
        h(index === 0 || tag === "th" ? "th" : "td", {
          scope: index === 0 && tag !== "th" ? "row" : tag === "th" ? "col" : null,
          class: index ? "number" : "",
          text: cell,
        }),
      ),
    );
  return h(
    "table",
    {},
    h("caption", { class: "unseen", text: title }),
    h("thead", {}, row(table.head, "th")),
    h("tbody", {}, ...table.rows.map(({ cells }) => row(cells, "td"))),
    table.foot ? h("tfoot", {}, row(table.foot, "td")) : null,
  );
}
