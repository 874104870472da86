// @ts-check
/** The dossier of one story, in a dialog: what is asked, what was done, by which commands, at what cost. */
import { ApiError, story as fetchStory } from "./api.js";
import { attr, byId, h, icon } from "./dom.js";
import { clock, day, duration, money, plural, shortCommand, statusWords, UNKNOWN } from "./format.js";

/** @typedef {Record<string, any>} Dossier the answer of `GET /api/stories/{key}` */

/** @param {() => void} onClose */
export function createStoryDialog(onClose) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("story-dialog"));
  const root = byId("story");
  /** @type {string | null} */
  let shown = null;

  dialog.addEventListener("close", () => {
    shown = null;
    onClose();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  /** @param {string} key */
  async function load(key) {
    try {
      const dossier = await fetchStory(key);
      if (shown === key) root.replaceChildren(...draw(key, dossier));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (shown === key) root.replaceChildren(head(key, {}), h("div", { class: "dossier-body" }, h("p", { class: "empty", text: error.message })));
    }
  }

  return {
    /** @param {string | null} key null closes */
    show(key) {
      if (key === shown) return;
      shown = key;
      if (key === null) return dialog.close();
      root.replaceChildren(head(key, {}), h("div", { class: "dossier-body" }, h("p", { class: "empty", text: "Loading" })));
      if (!dialog.open) dialog.showModal();
      dialog.scrollTop = 0;
      load(key);
    },
    /** Reads the open story again, because something happened to it. @param {Set<string>} changed */
    refresh(changed) {
      if (shown !== null && changed.has(shown)) load(shown);
    },
  };
}

/** @param {string} key @param {Dossier} dossier @returns {HTMLElement[]} */
function draw(key, dossier) {
  const parts = [statement(dossier), criteria(dossier), tasks(dossier), commands(dossier), commits(dossier), files(dossier)];
  const body = parts.filter((part) => part !== null);
  const empty = h("p", { class: "empty", text: "Nothing is written about this story yet. Its file is made when the story is started." });
  return [head(key, dossier), h("div", { class: "dossier-body" }, ...(body.length ? body : [empty]))];
}

/** @param {string} key @param {Dossier} dossier */
function head(key, dossier) {
  const facts = h("p", { class: "dossier-facts" }, h("span", { class: "mono", text: key }));
  if (dossier.status) {
    facts.append(h("span", { class: "state" }, icon(dossier.status), statusWords(dossier.status)));
    attr(facts, "data-status", dossier.status);
  }
  const cost = (dossier.commands ?? []).reduce((/** @type {number} */ sum, /** @type {any} */ command) => sum + (command.cost_usd ?? 0), 0);
  if (cost) facts.append(h("span", { text: `${money(cost)} so far` }));
  if (dossier.drift) facts.append(h("span", { class: "drift" }, icon("drift"), `The story file says ${dossier.drift.file_status}`));
  const close = h("button", { type: "submit", class: "ghost", "aria-label": "Close" }, icon("cross"));
  return h("header", { class: "dossier-head" }, h("h2", { id: "story-title", text: dossier.title || key }), h("form", { method: "dialog" }, close), facts);
}

/** @param {string} title @param {...Node} content */
function section(title, ...content) {
  return h("section", {}, h("h3", { text: title }), ...content);
}

/** @param {Dossier} dossier */
function statement(dossier) {
  const words = dossier.statement || dossier.description;
  return words ? section("Story", h("p", { class: "statement", text: words })) : null;
}

/** @param {Dossier} dossier */
function criteria(dossier) {
  if (!dossier.criteria?.length) return null;
  return section("Acceptance criteria", h("ol", { class: "criteria" }, ...dossier.criteria.map((/** @type {string} */ text) => h("li", { text }))));
}

/** @param {Dossier} dossier */
function tasks(dossier) {
  const all = Array.isArray(dossier.tasks) ? dossier.tasks : dossier.tasks?.items;
  if (!all?.length) return null;
  const done = all.filter((/** @type {any} */ task) => task.done).length;
  const items = all.map((/** @type {any} */ task) => {
    const el = h("li", { "data-done": Boolean(task.done) }, icon(task.done ? "done" : "ready-for-dev"), h("span", { class: "unseen", text: task.done ? "done: " : "open: " }), h("span", { text: task.text }));
    el.style.setProperty("--depth", String(task.depth ?? 0));
    return el;
  });
  return section(`Tasks (${done} of ${all.length} done)`, h("ul", { class: "tasks" }, ...items));
}

/** @param {Dossier} dossier */
function commands(dossier) {
  if (!dossier.commands?.length) return null;
  const rows = dossier.commands.map((/** @type {any} */ command) => row([
    { text: command.started_at ? clock(command.started_at) : UNKNOWN }, { text: shortCommand(command.command) },
    { text: command.attempt > 1 ? String(command.attempt) : "1", class: "number" }, { text: outcome(command), class: "wide" },
    { text: duration(command.duration_ms ?? undefined), class: "number" }, { text: money(command.cost_usd), class: "number" },
    { text: [command.agent, command.model].filter(Boolean).join(" · ") },
  ]));
  const titles = ["Started", "Command", "Attempt", "Outcome", "Took", "Cost", "Agent"];
  return section(`Commands (${dossier.commands.length})`, table(titles, rows, [2, 4, 5]));
}

/** @param {any} command */
function outcome(command) {
  return [command.status, verdictWords(command.verdict), command.reason].filter(Boolean).join(" · ");
}

/** A verdict is a word, or an object with one. @param {any} verdict */
function verdictWords(verdict) {
  if (!verdict || typeof verdict === "string") return verdict ?? "";
  return verdict.text ?? verdict.verdict ?? verdict.severity ?? "";
}

/** @param {Dossier} dossier */
function commits(dossier) {
  if (!dossier.commits?.length) return null;
  const rows = dossier.commits.map((/** @type {any} */ commit) => row([
    { text: String(commit.hash ?? "").slice(0, 10), class: "mono" }, { text: commit.subject ?? commit.message, class: "wide" },
    { text: commit.at ? `${day(commit.at)} ${clock(commit.at)}` : "" },
  ]));
  return section(plural(dossier.commits.length, "commit"), table(["Commit", "Subject", "When"], rows, []));
}

/** @param {Dossier} dossier */
function files(dossier) {
  const all = dossier.files ?? [];
  if (!all.length) return null;
  return section("Files", h("ul", {}, ...all.map((/** @type {any} */ file) => h("li", { class: "mono", text: typeof file === "string" ? file : file.path }))));
}

/** @param {string[]} titles @param {HTMLElement[]} rows @param {number[]} numbers columns of numbers */
function table(titles, rows, numbers) {
  const heads = titles.map((title, index) => h("th", { scope: "col", class: numbers.includes(index) ? "number" : "", text: title }));
  return h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Table" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows)));
}

/** @param {{text: string, class?: string}[]} cells */
function row(cells) {
  return h("tr", {}, ...cells.map((cell) => h("td", { class: cell.class ?? "", text: cell.text })));
}
