// @ts-check
/** The History tab: every batch that ran, newest first, with what came of it, and the way into its replay. */
import { ApiError, get } from "./api.js";
import { byId, h, list, show, text } from "./dom.js";
import { clock, count, day, duration, money, plural, tokens } from "./format.js";

/**
 * @typedef {{id: number, status: string, max_cycles: number | null, cycles_completed: number, started_at: number,
 *   ended_at: number | null, agent: string, reason: string | null, stories: number, stories_done: number,
 *   stories_blocked: number, commands: number, cost_usd: number, input_tokens: number, output_tokens: number,
 *   duration_ms: number | null}} BatchRow a row of `GET /api/batches`
 */

/** Batches read at once. */
const PAGE = 50;

/** @param {{replay: (id: number) => void}} actions */
export function createPast(actions) {
  const rows = list(byId("batches"), (/** @type {BatchRow} */ row) => row.id, (row) => createRow(row, actions.replay));
  let wanted = PAGE;
  let known = "";

  async function read() {
    try {
      const { batches, total } = await get(`/api/batches?limit=${Math.min(wanted, 1000)}`);
      rows.render(batches);
      show(byId("batches-table"), batches.length > 0);
      show(byId("batches-more"), batches.length < total);
      text(byId("batches-words"), batches.length ? plural(total, "batch", "batches") : "No batch has run yet.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      text(byId("batches-words"), error.message);
    }
  }

  byId("batches-more").addEventListener("click", () => {
    wanted += PAGE;
    read();
  });

  return {
    /** Reads again when a batch began, ended or moved on. @param {import("./app.js").Model} model */
    render({ run, ready }) {
      const now = `${ready} ${run.batch?.id} ${run.batch?.status} ${run.totals.commands}`;
      if (now === known || !ready) return;
      known = now;
      read();
    },
    tick() {},
  };
}

/** @param {BatchRow} first @param {(id: number) => void} replay */
function createRow(first, replay) {
  const cells = Array.from({ length: 8 }, (_, index) => h("td", { class: index === 3 ? "wide" : index > 3 && index < 7 ? "number" : "" }));
  const button = h("button", { type: "button", class: "button small", text: "Replay", "aria-label": `Replay batch ${first.id}`, on: { click: () => replay(first.id) } });
  const file = h("a", { class: "button small", href: `/api/batches/${first.id}/export`, download: "", text: "Export", "aria-label": `Export batch ${first.id}` });
  const el = h("tr", { "data-batch": first.id }, ...cells, h("td", { class: "batch-actions" }, button, " ", file));
  return {
    el,
    /** @param {BatchRow} row */
    update(row) {
      const stories = `${row.stories_done} of ${plural(row.stories, "story", "stories")} done${row.stories_blocked ? `, ${row.stories_blocked} blocked` : ""}`;
      const words = [
        String(row.id), `${day(row.started_at)} ${clock(row.started_at)}`, row.status, [stories, row.reason].filter(Boolean).join(" · "),
        count(row.commands), row.duration_ms === null ? "–" : duration(row.duration_ms), money(row.cost_usd), `${row.agent}, ${tokens(row.output_tokens)} tokens written`,
      ];
      words.forEach((word, index) => text(cells[index], word));
    },
  };
}
