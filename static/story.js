// @ts-check
/** The dossier of one story, in a dialog: what is asked, what was done, by which commands, at what cost. */
import { ApiError, story as fetchStory } from "./api.js";
import { attr, byId, h, icon } from "./dom.js";
import { clock, count, day, duration, money, plural, shortCommand, statusWords } from "./format.js";
import { prose } from "./prose.js";
import { resultOf } from "./steps.js";
import { createTranscript } from "./transcript.js";

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
  const parts = [trouble, statement, criteria, tasks, commands, commits, change, files].map((part) => part(dossier));
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
  return words ? section("Story", h("p", { class: "statement" }, ...prose(words))) : null;
}

/** @param {Dossier} dossier */
function criteria(dossier) {
  if (!dossier.criteria?.length) return null;
  return section("Acceptance criteria", h("ol", { class: "criteria" }, ...dossier.criteria.map((/** @type {string} */ text) => h("li", {}, ...prose(text)))));
}

/** @param {Dossier} dossier */
function tasks(dossier) {
  const all = Array.isArray(dossier.tasks) ? dossier.tasks : dossier.tasks?.items;
  if (!all?.length) return null;
  const done = all.filter((/** @type {any} */ task) => task.done).length;
  const items = all.map((/** @type {any} */ task) => {
    const el = h("li", { "data-done": Boolean(task.done) }, icon(task.done ? "done" : "ready-for-dev"), h("span", { class: "unseen", text: task.done ? "done: " : "open: " }), h("span", {}, ...prose(task.text)));
    el.style.setProperty("--depth", String(task.depth ?? 0));
    return el;
  });
  return section(`Tasks (${done} of ${all.length} done)`, h("ul", { class: "tasks" }, ...items));
}

/** @param {Dossier} dossier */
function commands(dossier) {
  if (!dossier.commands?.length) return null;
  return section(`Commands (${dossier.commands.length})`, h("ol", { class: "commands" }, ...dossier.commands.map(command)));
}

/** @param {any} command */
function command(command) {
  const { result, glyph, words } = resultOf(command.status);
  const mark = h("span", { class: "step-mark" }, glyph ? icon(glyph) : h("span", { class: "spin" }));
  const facts = [
    command.attempt > 1 && `attempt ${command.attempt}`, command.started_at && `${day(command.started_at)} ${clock(command.started_at)}`,
    command.ended_at && duration(command.duration_ms), money(command.cost_usd), [command.agent, command.model].filter(Boolean).join(" "),
  ];
  const name = h("p", { class: "command-name" }, mark, h("b", { text: shortCommand(command.command) }), h("span", { class: "verdict", text: command.verdict ?? "" }), h("span", { class: "command-result", text: words }));
  const reason = command.reason && command.status !== "success" ? h("p", { class: "command-reason", text: command.reason }) : null;
  return h("li", { class: "command", "data-result": result }, name, h("p", { class: "command-facts", text: facts.filter(Boolean).join(" · ") }), reason, createTranscript(command.id));
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

/** How much changed since the work on the story began. @param {Dossier} dossier */
function change(dossier) {
  const { diff } = dossier;
  if (!diff?.files_changed) return null;
  const words = `${plural(diff.files_changed, "file")} changed, ${count(diff.lines_added)} lines added, ${count(diff.lines_removed)} removed`;
  return section("Change since development began", h("p", { text: words }));
}

/** What stands in the way. @param {Dossier} dossier */
function trouble(dossier) {
  const words = [dossier.status === "blocked" && dossier.reason, ...(dossier.problems ?? [])].filter(Boolean);
  return words.length ? h("section", { class: "attention" }, ...words.map((text) => h("p", { text }))) : null;
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
