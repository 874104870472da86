// @ts-check
/** The head of the dossier: title, status, time and cost, the verbs that apply, and what the status rests on. */

import { openStatusMenu } from "../board/status-menu.js";
import { resultOf } from "../kit/command-result.js";
import { attr, fill, h, icon, setIcon, show, text } from "../kit/dom.js";
import { duration, plural, statusText } from "../kit/format.js";
import { askSkip, bringBack } from "../kit/skip-dialog.js";
import { takeOver } from "../kit/takeover.js";
import { copyText } from "../run/log-detail.js";
import { costOf, sum, tokensOf } from "./cost-panel.js";
import { evidenceRows } from "./evidence.js";
import { createStoryMenu } from "./story-menu.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */
/** @typedef {{retry: () => void, hint: () => void, revert: () => void, preview: () => void, receipt: () => void}} Verbs */

/** Statuses of stories on which no command works any more. */
const ENDED = new Set(["done", "parked", "unknown"]);

export class StoryHead {
  el;
  #title;
  #key;
  #verbs;
  #glyph = icon("backlog");
  #statusText = h("span");
  #status;
  #readOnlyStatus = h("span", { class: "state" });
  #facts = h("span", { class: "head-facts" });
  #retry;
  #hint;
  #take;
  #skip;
  #revert;
  #evidence = h("ul", { class: "evidence" });
  #drawn = "";
  /** @type {Dossier | null} */ #dossier = null;

  /** @param {string} key @param {Verbs} verbs */
  constructor(key, verbs) {
    this.#key = key;
    this.#verbs = verbs;
    this.#title = h("h2", { id: "story-title", tabindex: "-1", autofocus: true, dir: "auto", text: key });
    this.#status = createStatusButton(this.#glyph, this.#statusText);
    this.#status.addEventListener("click", () => {
      if (this.#dossier) openStatusMenu(this.#status, /** @type {any} */ (this.#dossier));
    });
    this.#retry = verb("Retry", verbs.retry, "primary");
    this.#hint = verb("Hint…", verbs.hint);
    this.#take = verb("Open in my terminal", () => takeOver(key));
    this.#skip = verb("Skip…", () => (this.#dossier?.plan?.skipped ? bringBack(key) : askSkip(key)));
    this.#revert = verb("Revert…", verbs.revert);
    const name = h("span", { class: "mono", text: key });
    const facts = h("p", { class: "dossier-facts" }, this.#readOnlyStatus, name, this.#facts);
    const all = [
      this.#status,
      this.#retry,
      this.#hint,
      this.#take,
      this.#skip,
      this.#revert,
      createStoryMenu(() => this.#menu()),
    ];
    const actions = h("p", { class: "dossier-actions" }, ...all);
    const rests = h(
      "section",
      { class: "rests", "aria-labelledby": "dossier-evidence" },
      h("h3", { id: "dossier-evidence", text: "What the status rests on" }),
      this.#evidence,
    );
    this.el = h("header", { class: "dossier-head" }, this.#title, facts, actions, rests);
    for (const el of [this.#status, this.#retry, this.#hint, this.#take, this.#skip, this.#revert, rests])
      show(el, false);
  }

  /** @param {Dossier} dossier */
  update(dossier) {
    this.#dossier = dossier;
    text(this.#title, dossier.title || this.#key);
    attr(this.#title, "title", dossier.title);
    attr(this.el, "data-status", dossier.status);
    this.#updateStatus(dossier);
    this.#updateVerbs(dossier);
    text(this.#facts, factsOf(dossier.commands ?? []));
    this.#updateEvidence(dossier);
  }

  /** @param {Dossier} dossier */
  #updateVerbs({ status, plan, writable, by_hand: taken = [], commits = [] }) {
    const isOpen = !ENDED.has(status);
    const isSkipped = Boolean(plan?.skipped);
    const isTaken = taken.some((/** @type {{state: string}} */ one) => one.state !== "returned");
    const isBlocked = status === "blocked" && Boolean(writable);
    show(this.#retry, isBlocked && !isTaken);
    show(this.#hint, isOpen && !isSkipped);
    show(this.#take, isOpen && !isTaken);
    show(this.#skip, isOpen);
    text(this.#skip, isSkipped ? "Bring back" : "Skip…");
    show(this.#revert, status === "done" && commits.length > 0);
  }

  /** @returns {import("./story-menu.js").MenuItem[]} */
  #menu() {
    const { commits = [], receipt = null, status = "" } = this.#dossier ?? {};
    const url = `/api/stories/${encodeURIComponent(this.#key)}/export`;
    return [
      { words: "What would be sent", run: this.#verbs.preview },
      ...(ENDED.has(status) ? [{ words: "Hint…", verb: true, run: this.#verbs.hint }] : []),
      ...(commits.length && status !== "done" ? [{ words: "Revert…", verb: true, run: this.#verbs.revert }] : []),
      ...(receipt ? [{ words: "Receipt of its commit", run: this.#verbs.receipt }] : []),
      { words: "Copy a link", run: () => copyText(location.href, "Link copied") },
      { words: "Print", run: () => print() },
      { words: "Export as one file", href: url },
    ];
  }

  /** @param {Dossier} dossier */
  #updateEvidence(dossier) {
    const now = JSON.stringify([dossier.evidence, dossier.problems]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    const rows = evidenceRows(dossier);
    fill(this.#evidence, ...rows);
    show(/** @type {HTMLElement} */ (this.#evidence.parentElement), rows.length > 0);
  }

  /** @param {Dossier} dossier */
  #updateStatus({ status, raw_status: raw, writable }) {
    const canChange = Boolean(writable) && status !== "unknown";
    show(this.#status, canChange);
    attr(this.#status, "aria-label", `Change the status, now ${statusText(status)}`);
    setIcon(this.#glyph, status);
    text(this.#statusText, statusText(status));
    text(this.#readOnlyStatus, canChange ? "" : `${statusText(status)} (“${raw}”)`);
  }
}

/** @param {string} words @param {() => unknown} run @param {string} [kind] */
function verb(words, run, kind = "") {
  return h("button", {
    type: "button",
    class: `button small ${kind}`.trim(),
    text: words,
    "data-verb": true,
    on: { click: run },
  });
}

/** @param {Element} glyph @param {HTMLElement} label */
function createStatusButton(glyph, label) {
  const props = { "aria-haspopup": "menu", title: "Change the status", "data-verb": true };
  const caret = h("span", { class: "caret", "aria-hidden": "true", text: "▾" });
  return h("button", { type: "button", class: "button small status-button", ...props }, glyph, label, caret);
}

/** How much was done, for how long and for how much. @param {Record<string, any>[]} commands */
function factsOf(commands) {
  if (!commands.length) return "";
  const bad = commands.map(({ status, verdict }) => resultOf(status, verdict)).filter((one) => one.result === "failed");
  const blocked = bad.filter(({ glyph }) => glyph === "blocked").length;
  const failed = bad.length - blocked;
  const shared = commands.filter((command) => command.story_keys.length > 1);
  const others = [...new Set(shared.flatMap((command) => command.story_keys))].length - 1;
  return [
    plural(commands.length, "command"),
    failed > 0 && `${failed} failed`,
    blocked > 0 && `${blocked} blocked`,
    duration(sum(commands, (one) => one.duration_ms)),
    costWords(costOf(commands)),
    tokenWords(tokensOf(commands)),
    shared.length > 0 && `${plural(shared.length, "command")} shared with ${plural(others, "story", "stories")}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {string} cost */
function costWords(cost) {
  return cost === "unknown" ? "cost unknown" : cost;
}

/** @param {string} used */
function tokenWords(used) {
  return used === "unknown" ? "tokens unknown" : `${used} tokens`;
}
