// @ts-check
/** The History tab: every batch that ran, newest first, page by page, with what came of it and the ways into it. */

import { ApiError, get } from "../kit/api.js";
import { byId, h, icon, list, show, text } from "../kit/dom.js";
import { clock, count, day, duration, money, plural, shortKey, statusWords, stopwatch, tokens } from "../kit/format.js";
import { amend, here, whole } from "../kit/url-params.js";
import { titleOf } from "../shell/plan.js";
import { toHash } from "../shell/router.js";

/**
 * @typedef {{id: number, status: string, max_cycles: number | null, cycles_completed: number, started_at: number,
 *   ended_at: number | null, agent: string, reason: string | null, stories: number, stories_done: number,
 *   stories_blocked: number, commands: number, cost_usd: number, estimated_usd: number, input_tokens: number,
 * output_tokens: number,
 *   duration_ms: number | null}} BatchRow a row of `GET /api/batches`
 */

/** Batches of one page of the list. */
const PAGE = 25;
/** Least time between two reads while a batch runs, in ms. */
const CALM_MS = 2_000;
/** @type {Record<string, string>} */
const GLYPHS = {
  completed: "check",
  stopped: "stop",
  error: "cross",
  running: "play",
  paused: "pause",
  interrupted: "pause",
};
const HEADS = ["Batch", "Started", "Outcome", "Stories", "Commands", "Took", "Cost", "Agent"];

/** @param {{replay: (id: number) => void}} actions */
export function createPast(actions) {
  const body = byId("batches");
  const rows = list(
    body,
    (/** @type {BatchRow} */ row) => row.id,
    (row) => createRow(row, actions.replay, (id) => unfold(id)),
  );
  /** @type {import("../shell/app.js").Model | null} */
  let shown = null;
  let known = "";
  let asked = "";
  let readAt = 0;
  let timer = 0;

  const page = () => whole(here().get("page")) ?? 1;

  async function read() {
    timer = 0;
    readAt = Date.now();
    const turn = (asked = String(page()));
    try {
      const { batches, total } = await get(`/api/batches?limit=${PAGE}&offset=${(page() - 1) * PAGE}`);
      if (turn !== asked) return;
      if (!batches.length && total) return turn_to(1);
      rows.render(batches);
      renderWords(batches.length, total);
      unfolded();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      text(byId("batches-words"), error.message);
    }
  }

  /** @param {number} here how many are on this page @param {number} total */
  function renderWords(here, total) {
    const first = (page() - 1) * PAGE;
    const last = Math.ceil(total / PAGE);
    show(byId("batches-table"), total > 0);
    show(byId("batches-pages"), last > 1);
    text(
      byId("batches-words"),
      total
        ? `${plural(total, "batch", "batches")}, newest first${last > 1 ? ` · ${count(first + 1)}–${count(first + here)}` : ""}`
        : "No batch has run yet. Each one is kept here: what came of it, what it cost, and how it went, event by event.",
    );
    text(byId("batches-page"), `Page ${page()} of ${last}`);
    /** @type {HTMLButtonElement} */ (byId("batches-newer")).disabled = page() <= 1;
    /** @type {HTMLButtonElement} */ (byId("batches-older")).disabled = page() >= last;
  }

  /** @param {number} next */
  function turn_to(next) {
    amend({ page: next > 1 ? String(next) : null, batch: null });
    read();
  }

  /** Opens or closes what a row has inside. @param {number} id */
  function unfold(id) {
    amend({ batch: here().get("batch") === String(id) ? null : String(id) });
    unfolded();
  }

  function unfolded() {
    const open = whole(here().get("batch"));
    const plan = shown?.plan;
    for (const row of rows.views()) row.unfold(row.id === open, (key) => (plan ? titleOf(plan, key) : ""), plan?.byKey);
  }

  byId("batches-newer").addEventListener("click", () => turn_to(page() - 1));
  byId("batches-older").addEventListener("click", () => turn_to(page() + 1));

  return {
    /** Reads again when a batch began, ended or moved on. @param {import("../shell/app.js").Model} model */
    render(model) {
      shown = model;
      const { run, ready } = model;
      const now = `${run.batch?.id} ${run.batch?.status} ${run.totals.commands}`;
      if (!ready) return;
      if (asked !== String(page())) read();
      else if (now !== known && !timer) timer = window.setTimeout(read, Math.max(0, readAt + CALM_MS - Date.now()));
      else if (now === known) unfolded();
      known = now;
    },
    /** @param {import("../shell/app.js").Model} _ @param {number} now */
    tick(_, now) {
      for (const row of rows.views()) row.tick(now);
    },
  };
}

/** @param {BatchRow} first @param {(id: number) => void} replay @param {(id: number) => void} unfold */
function createRow(first, replay, unfold) {
  const { id } = first;
  const inside = h("div", { class: "batch-inside", id: `batch-${id}`, hidden: true });
  const fold = h("button", {
    type: "button",
    class: "plain batch-fold",
    "aria-expanded": "false",
    "aria-controls": `batch-${id}`,
    text: `Batch ${id}`,
    on: { click: () => unfold(id) },
  });
  const outcome = h("span", { class: "batch-outcome" });
  const bar = h(
    "span",
    { class: "batch-bar", "aria-hidden": "true" },
    h("i", { class: "done" }),
    h("i", { class: "blocked" }),
  );
  const stories = h("span");
  const cells = HEADS.map((head, index) =>
    h(index ? "td" : "th", {
      role: index ? "cell" : "rowheader",
      scope: index ? null : "row",
      "data-head": head,
      class: index === 2 || index === 3 ? "wide" : index > 3 && index < 7 ? "number" : "",
    }),
  );
  cells[0].append(fold);
  cells[2].append(outcome);
  cells[3].append(bar, stories);
  const link = (
    /** @type {string} */ words,
    /** @type {string} */ href,
    /** @type {Record<string, string>} */ more = {},
  ) => h("a", { class: "button small", href, text: words, "aria-label": `${words} of batch ${id}`, ...more });
  const button = h(
    "button",
    { type: "button", class: "button small", "aria-label": `Replay batch ${id}`, on: { click: () => replay(id) } },
    icon("play"),
    "Replay",
  );
  const actions = h(
    "td",
    { class: "batch-actions", role: "cell" },
    button,
    link("Timeline", toHash("timeline", { batch: String(id) })),
    link("Insights", toHash("insights", { batch: String(id) })),
    link("Export", `/api/batches/${id}/export`, { download: "", "aria-label": `Export batch ${id}` }),
  );
  const el = h(
    "tr",
    { "data-batch": id, role: "row" },
    ...cells,
    actions,
    h("td", { class: "batch-fold-cell", role: "cell" }, inside),
  );
  let row = first;
  let filled = "";
  /** @type {unknown} */
  let named = null;

  /** @param {number} now */
  function tick(now) {
    if (row.ended_at === null) text(cells[5], row.status === "running" ? stopwatch(now - row.started_at) : "–");
  }

  return {
    el,
    id,
    tick,
    /** @param {BatchRow} next */
    update(next) {
      row = next;
      outcome.dataset.outcome = row.status;
      outcome.replaceChildren(
        icon(GLYPHS[row.status] ?? "unknown"),
        [row.status, row.reason].filter(Boolean).join(": "),
      );
      bar.style.setProperty("--share-done", String(row.stories ? row.stories_done / row.stories : 0));
      bar.style.setProperty("--share-blocked", String(row.stories ? row.stories_blocked / row.stories : 0));
      text(
        stories,
        `${row.stories_done} of ${plural(row.stories, "story", "stories")} done${row.stories_blocked ? `, ${row.stories_blocked} blocked` : ""}`,
      );
      const words = [
        null,
        `${day(row.started_at)} ${clock(row.started_at)}`,
        null,
        null,
        count(row.commands),
        row.duration_ms === null ? "–" : duration(row.duration_ms),
        money(row.cost_usd, row.estimated_usd),
        `${row.agent}, ${tokens(row.output_tokens)} tokens written`,
      ];
      words.forEach((word, index) => word !== null && text(cells[index], word));
      tick(Date.now());
    },
    /** @param {boolean} open @param {(key: string) => string} titleOf @param {unknown} plan whose titles these are */
    async unfold(open, titleOf, plan) {
      show(inside, open);
      el.classList.toggle("unfolded", open);
      fold.setAttribute("aria-expanded", String(open));
      const now = `${row.commands} ${row.status} ${row.stories_done}`;
      if (!open || (now === filled && plan === named)) return;
      [filled, named] = [now, plan];
      const made = await readStories(id, titleOf);
      if (plan === named) inside.replaceChildren(made);
    },
  };
}

/**
 * The stories of a batch, with what each took.
 * @param {number} id
 * @param {(key: string) => string} titleOf
 * @returns {Promise<HTMLElement>}
 */
async function readStories(id, titleOf) {
  try {
    const { stories, commands } = await get(`/api/batches/${id}`);
    if (!stories.length) return h("p", { class: "empty", text: "No story was begun in this batch." });
    return h(
      "ul",
      { class: "batch-stories", "aria-label": `Stories of batch ${id}` },
      ...stories.map((/** @type {any} */ story) => {
        const own = commands.filter((/** @type {any} */ command) => command.story_id === story.id);
        const [cost, estimated] = ["cost_usd", "estimated_usd"].map((name) =>
          own.reduce((/** @type {number} */ sum, /** @type {any} */ command) => sum + (command[name] ?? 0), 0),
        );
        const facts = [
          statusWords(story.status),
          plural(own.length, "command"),
          money(cost, estimated),
          story.ended_at ? duration(story.ended_at - story.started_at) : "",
          story.reason,
        ];
        return h(
          "li",
          { "data-status": story.status },
          icon(story.status),
          h("a", {
            href: toHash("history", { batch: String(id), story: story.story_key }),
            text: `${shortKey(story.story_key)} ${titleOf(story.story_key)}`,
          }),
          h("span", { text: facts.filter(Boolean).join(" · ") }),
        );
      }),
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return h("p", { class: "empty", text: error.message });
  }
}
