// @ts-check
/**
 * What there is to judge at a gate: the lines of the story, or of the change with its evidence and reviews. A comment is
 * written beside a line, and goes to the agent with "Send back", kept or still being written.
 */
import { catchApiError, get } from "../kit/api.js";
import { commentRows } from "../kit/comment-list.js";
import { createDisclosure } from "../kit/disclosure.js";
import { attr, fill, h, icon, text } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { loadPart } from "../kit/lazy.js";

/** @typedef {{path: string, line: number, text: string}} LineComment */
/** @typedef {import("../state.js").Attention} Attention */

export class GateReview {
  el;
  /** The comments by path and line. @type {Map<string, LineComment>} */ #comments = new Map();
  /** The fields of comments that are being written, by path and line. @type {Map<string, HTMLTextAreaElement>} */
  #drafts = new Map();
  #key;
  #base;
  #list = h("ul", { class: "line-comments", "aria-label": "Comments on lines" });
  #count = h("span", { class: "soft" });

  /** @param {string} key of the story @param {string} [base] of its runner */
  constructor(key, base = "") {
    this.#key = key;
    this.#base = base;
    const summary = [h("span", { text: "Look at it" }), this.#count];
    const fold = createDisclosure({ class: "gate-look", summary, load: () => this.#load() });
    this.el = h("div", { class: "gate-review" }, fold.el, this.#list);
  }

  /** Those kept and those being written. @returns {LineComment[]} */
  get comments() {
    const all = new Map(this.#comments);
    for (const [id, field] of this.#drafts) putComment(all, id, field.value);
    return [...all.values()];
  }

  async #load() {
    const story = `${this.#base}/api/stories/${encodeURIComponent(this.#key)}`;
    const dossier = await get(story);
    const name = dossier.files.find((/** @type {string} */ file) => dossier.artifacts.includes(file));
    const [file, change] = await Promise.all([
      name ? catchApiError(get(`${story}/artifact?name=${encodeURIComponent(name)}`)) : null,
      !dossier.diff ? [] : catchApiError(readChange(`${story}/changes/work`)),
    ]);
    const parts = [
      reviewsOf(dossier),
      commentsOf(dossier),
      ...(change?.length ? [h("h4", { text: "Changes" }), ...change] : []),
      ...(file ? [h("h4", { text: name }), createText(name, file.text ?? "")] : []),
    ].filter(Boolean);
    const box = h("div", { class: "gate-parts" }, ...parts);
    box.addEventListener("click", (event) => this.#clicked(event));
    box.addEventListener("keydown", (event) => this.#pressed(event));
    // Lines of a large file are drawn when it is opened.
    new MutationObserver(() => makeCommentable(box)).observe(box, { childList: true, subtree: true });
    makeCommentable(box);
    return [box];
  }

  /** @param {MouseEvent} event */
  #clicked({ target }) {
    const at = target instanceof HTMLElement ? target.closest("[data-line]") : null;
    if (at instanceof HTMLElement) this.#write(at);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Enter" && event.key !== " ") return;
    const at = event.target;
    if (!(at instanceof HTMLElement) || at.dataset.line === undefined) return;
    event.preventDefault();
    this.#write(at);
  }

  /** Asks for a comment below a line. @param {HTMLElement} at */
  #write(at) {
    const { path = "", line = "" } = at.dataset;
    const id = `${path}:${line}`;
    const row = at.closest("tr");
    if (!row || row.nextElementSibling?.classList.contains("comment-row")) return;
    const field = h("textarea", { rows: 2, "aria-label": `Comment on line ${line} of ${path}` });
    field.value = this.#comments.get(id)?.text ?? "";
    this.#drafts.set(id, field);
    const close = () => {
      this.#drafts.delete(id);
      below.remove();
      at.focus();
    };
    const keep = () => {
      putComment(this.#comments, id, field.value);
      close();
      this.#draw();
    };
    const buttons = [
      h("button", { type: "button", class: "button small primary", text: "Keep comment", on: { click: keep } }),
      h("button", { type: "button", class: "button small", text: "Cancel", on: { click: close } }),
    ];
    const cell = h("td", { colspan: 4 }, field, h("div", { class: "decisions" }, ...buttons));
    const below = h("tr", { class: "comment-row", "data-verb": true }, cell);
    row.after(below);
    field.focus();
  }

  #draw() {
    const all = this.comments;
    text(this.#count, all.length ? plural(all.length, "comment") : "");
    fill(this.#list, ...all.map((comment) => this.#item(comment)));
  }

  /** @param {LineComment} comment */
  #item({ path, line, text: words }) {
    const drop = () => {
      this.#comments.delete(`${path}:${line}`);
      this.#draw();
    };
    const label = { "aria-label": `Remove the comment on line ${line} of ${path}`, title: "Remove" };
    return h(
      "li",
      {},
      h("code", { text: `${path}:${line}` }),
      h("span", { text: words }),
      h("button", { type: "button", class: "ghost", ...label, on: { click: drop } }, icon("cross")),
    );
  }
}

/** @param {Map<string, LineComment>} all @param {string} id path and line @param {string} words none removes it */
function putComment(all, id, words) {
  const colon = id.lastIndexOf(":");
  if (words.trim()) all.set(id, { path: id.slice(0, colon), line: Number(id.slice(colon + 1)), text: words.trim() });
  else all.delete(id);
}

/** The files of a change. @param {string} path @returns {Promise<Node[]>} */
async function readChange(path) {
  const part = await loadPart(() => import("../story/diff.js"));
  return part ? part.readChange(path) : [];
}

/** The lines of a text with their numbers. @param {string} path @param {string} content */
function createText(path, content) {
  const rows = content
    .split("\n")
    .map((line, index) =>
      h(
        "tr",
        { "data-kind": "same" },
        h("td", { class: "at", "data-path": path, "data-line": index + 1, text: index + 1 }),
        h("td", { class: "code", text: line }),
      ),
    );
  return h(
    "table",
    { class: "diff" },
    h("caption", { class: "unseen", text: `Lines of ${path}` }),
    h("tbody", {}, ...rows),
  );
}

/** Makes the numbers of new lines buttons. @param {HTMLElement} box */
function makeCommentable(box) {
  for (const at of box.querySelectorAll("table.diff td.at:not([role])")) {
    const table = at.closest("table");
    const cells = [...(at.parentElement?.querySelectorAll("td.at") ?? [])];
    const line = at.textContent;
    if (!(at instanceof HTMLElement) || !line || at !== cells.at(-1)) continue;
    at.dataset.path ??= table?.querySelector("caption")?.textContent?.replace(/^Lines of /, "") ?? "";
    at.dataset.line ??= line;
    const label = `Comment on line ${line} of ${at.dataset.path}`;
    const button = h("button", { type: "button", class: "line-button", "aria-label": label, title: label, text: line });
    button.dataset.path = at.dataset.path;
    button.dataset.line = at.dataset.line;
    attr(at, "role", "cell");
    delete at.dataset.line;
    fill(at, button);
  }
}

/** What was sent back before, and what the reviews say of it. @param {Record<string, any>} dossier */
function commentsOf({ sent_back: all = [] }) {
  return all.length ? h("ul", { class: "evidence" }, ...commentRows(all)) : null;
}

/** What the reviews have found, in a list. @param {Record<string, any>} dossier */
function reviewsOf({ reviews = [], evidence = [] }) {
  const rows = [
    ...evidence.map((/** @type {{text: string}} */ one) => one.text.replaceAll("`", "")),
    ...reviews.map((/** @type {{kind: string, rounds: {command: string, verdict: string}[]}} */ review) => {
      const last = review.rounds.at(-1);
      return `${last?.command ?? review.kind}: ${last?.verdict || "no verdict"}`;
    }),
  ];
  return rows.length ? h("ul", { class: "gate-facts" }, ...rows.map((words) => h("li", { text: words }))) : null;
}
