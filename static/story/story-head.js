// @ts-check
/** The head of the dossier: title, status with its menu, cost, export. */
import { openStatusMenu } from "../board/status-menu.js";
import { attr, fill, h, icon, setIcon, show, text } from "../kit/dom.js";
import { allTokens, money, statusText, tokens } from "../kit/format.js";
import { askSkip, bringBack } from "../kit/skip-dialog.js";
import { takeOver } from "../kit/takeover.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */

export class StoryHead {
  el;
  #title;
  #key;
  #glyph = icon("backlog");
  #statusText = h("span");
  #status;
  #readOnlyStatus = h("span", { class: "state" });
  #cost = h("span");
  #skip = h("button", { type: "button", class: "button small", text: "Skip…", "data-verb": true });
  #take = h("button", { type: "button", class: "button small", text: "Open in my terminal", "data-verb": true });
  #drift = h("span", { class: "drift" });
  /** @type {Dossier | null} */ #dossier = null;

  /** @param {string} key */
  constructor(key) {
    this.#key = key;
    this.#title = h("h2", { id: "story-title", tabindex: "-1", text: key });
    this.#status = createStatusButton(this.#glyph, this.#statusText);
    this.#status.addEventListener("click", () => {
      if (this.#dossier) openStatusMenu(this.#status, /** @type {any} */ (this.#dossier));
    });
    this.#skip.addEventListener("click", () => (this.#dossier?.plan?.skipped ? bringBack(key) : askSkip(key)));
    this.#take.addEventListener("click", () => takeOver(key));
    const close = h("button", { type: "submit", class: "ghost", "aria-label": "Close" }, icon("cross"));
    const name = h("span", { class: "mono", text: key });
    this.el = h(
      "header",
      { class: "dossier-head" },
      this.#title,
      h("form", { method: "dialog" }, close),
      h("p", { class: "dossier-facts" }, name, this.#readOnlyStatus, this.#cost, this.#drift),
      h("p", { class: "dossier-actions" }, this.#status, this.#take, this.#skip, createExport(key)),
    );
    show(this.#status, false);
  }

  /** @param {Dossier} dossier */
  update(dossier) {
    this.#dossier = dossier;
    const skipped = Boolean(dossier.plan?.skipped);
    text(this.#skip, skipped ? "Bring back" : "Skip…");
    const open = !["done", "parked", "unknown"].includes(dossier.status);
    const isTaken = dossier.by_hand?.some((/** @type {{state: string}} */ one) => one.state !== "returned");
    show(this.#skip, open);
    show(this.#take, open && !isTaken);
    text(this.#title, dossier.title || this.#key);
    attr(this.el, "data-status", dossier.status);
    this.#updateStatus(dossier);
    text(this.#cost, costText(dossier.commands ?? []));
    const drift = dossier.drift ? [icon("drift"), `The story file says ${dossier.drift.file_status}`] : [];
    fill(this.#drift, ...drift);
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

/** @param {Element} glyph @param {HTMLElement} label */
function createStatusButton(glyph, label) {
  const props = { "aria-haspopup": "menu", title: "Change the status", "data-verb": true };
  const caret = h("span", { class: "caret", "aria-hidden": "true", text: "▾" });
  return h("button", { type: "button", class: "button small status-button", ...props }, glyph, label, caret);
}

/** @param {string} key */
function createExport(key) {
  const href = `/api/stories/${encodeURIComponent(key)}/export`;
  const title = "Everything in one file that opens anywhere";
  return h("a", { class: "button small", href, download: "", title }, icon("down"), h("span", { text: "Export" }));
}

/** @param {Record<string, any>[]} commands */
function costText(commands) {
  const sum = (/** @type {boolean} */ shared) =>
    commands
      .filter((command) => command.story_keys.length > 1 === shared)
      .reduce((total, command) => total + (command.cost_usd ?? 0), 0);
  const used = commands.reduce((total, command) => total + allTokens(command), 0);
  const [own, shared] = [sum(false), sum(true)];
  const facts = [
    own > 0 && `${money(own)} of its own`,
    shared > 0 && `${money(shared)} shared with other stories`,
    used > 0 && `${tokens(used)} tokens`,
  ];
  return facts.filter(Boolean).join(" · ");
}
