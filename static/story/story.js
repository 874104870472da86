// @ts-check
/**
 * The dossier of one story, in a dialog with an address of its own. It follows what happens to the story; folds that
 * are open and the place where one reads stay.
 */

import { openMenu } from "../board/status-menu.js";
import { ApiError, story as fetchStory } from "../kit/api.js";
import { attr, byId, h, icon, setIcon, show, text } from "../kit/dom.js";
import { allTokens, money, statusWords, tokens } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { createDossier } from "./dossier.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */
/**
 * @typedef {{key: string, update: (dossier: Dossier) => void, open: (command: number) => boolean, fail: (words: string)
 *   => void}} Sheet
 */

/** Things that happen together are read once, this many ms later. */
const SETTLE_MS = 250;

/** @param {() => void} onClose */
export function createStoryDialog(onClose) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("story-dialog"));
  const root = byId("story");
  /** @type {Sheet | null} */
  let shown = null;
  let timer = 0;
  /** The command that the address names. @type {number | null} */
  let named = null;
  /** The same, until it has been brought into sight. @type {number | null} */
  let wanted = null;

  dialog.addEventListener("close", () => {
    shown = null;
    onClose();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  /** @param {Sheet} sheet */
  async function load(sheet) {
    try {
      const dossier = await fetchStory(sheet.key);
      if (shown !== sheet) return;
      steadily(dialog, root, () => sheet.update(dossier));
      point(sheet);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (shown === sheet) sheet.fail(error.message);
    }
  }

  /** Goes to the command that the address names, once. @param {Sheet} sheet */
  function point(sheet) {
    if (wanted !== null && !sheet.open(wanted)) toast(`Command ${wanted} is none of ${sheet.key}.`, "bad");
    wanted = null;
  }

  return {
    /** @param {string | null} key null closes @param {number | null} [command] of the story, to go to */
    show(key, command = null) {
      if (command !== named || key !== shown?.key) wanted = command;
      named = command;
      if (key === (shown?.key ?? null)) return void (shown && wanted !== null && load(shown));
      if (key === null) return dialog.close();
      shown = createSheet(root, key);
      if (!dialog.open) dialog.showModal();
      dialog.scrollTop = 0;
      load(shown);
    },
    /**
     * Reads the open story again, because something happened to it.
     * @param {Set<string> | null} changed null: to any
     */
    refresh(changed) {
      const sheet = shown;
      if (!sheet || (changed !== null && !changed.has(sheet.key))) return;
      clearTimeout(timer);
      timer = window.setTimeout(() => shown === sheet && load(sheet), SETTLE_MS);
    },
  };
}

/**
 * What stays the same element when the dossier is another one: that with the focus, or in sight, is held where it is.
 */
const STEADY = ".part:not([hidden]) > h3, .command, .round, .commit, .artifact";

/**
 * Changes what is above and below without moving what is read.
 * @param {HTMLElement} dialog scrolls
 * @param {HTMLElement} root
 * @param {() => void} change
 */
function steadily(dialog, root, change) {
  const held = inSight(dialog, root);
  const before = held?.getBoundingClientRect().top ?? 0;
  change();
  if (held?.isConnected) dialog.scrollTop += held.getBoundingClientRect().top - before;
}

/**
 * What has the focus, if it is in sight; else the first part that is, else the last one above; at the top nothing.
 * @param {HTMLElement} dialog
 * @param {HTMLElement} root
 * @returns {Element | null}
 */
function inSight(dialog, root) {
  const top = root.querySelector(".dossier-top")?.getBoundingClientRect().bottom ?? 0;
  const bottom = dialog.getBoundingClientRect().bottom;
  const seen = (/** @type {DOMRect} */ at) => at.bottom > top && at.top < bottom;
  const focused = document.activeElement?.closest(STEADY);
  if (focused && root.contains(focused) && seen(focused.getBoundingClientRect())) return focused;
  let above = null;
  for (const el of dialog.scrollTop > 0 ? root.querySelectorAll(STEADY) : []) {
    const at = el.getBoundingClientRect();
    if (seen(at)) return el;
    if (at.bottom <= top) above = el;
  }
  return above;
}

/** @param {HTMLElement} root @param {string} key @returns {Sheet} */
function createSheet(root, key) {
  const head = createHead(key);
  const dossier = createDossier(key);
  const note = h("p", { class: "empty dossier-note", text: "Loading" });
  const top = h("div", { class: "dossier-top" }, head.el, dossier.nav);
  dossier.nav.hidden = true;
  root.replaceChildren(top, note);
  new ResizeObserver(() => {
    // What stays in sight: all of it, or, on small screens, the parts only.
    root.style.setProperty("--head", `${head.el.offsetHeight}px`);
    root.style.setProperty("--top", `${top.offsetHeight}px`);
  }).observe(top);
  return {
    key,
    open: dossier.open,
    update(told) {
      head.update(told);
      dossier.update(told);
      note.remove();
      if (!dossier.el.isConnected) root.append(dossier.el);
    },
    /** What is there stays; it is only not the newest. */
    fail(words) {
      text(note, dossier.el.isConnected ? `This may be old: ${words}` : words);
      if (!note.isConnected) top.after(note);
    },
  };
}

/** @param {string} key */
function createHead(key) {
  /** @type {Dossier | null} */
  let now = null;
  const title = h("h2", { id: "story-title", tabindex: "-1", text: key });
  const glyph = icon("backlog");
  const words = h("span");
  const status = h(
    "button",
    {
      type: "button",
      class: "button small status-button",
      "aria-haspopup": "menu",
      title: "Change the status",
      on: { click: () => now && openMenu(status, /** @type {any} */ (now)) },
    },
    glyph,
    words,
    h("span", { class: "caret", "aria-hidden": "true", text: "▾" }),
  );
  const state = h("span", { class: "state" });
  const cost = h("span");
  const drift = h("span", { class: "drift" });
  const file = h(
    "a",
    {
      class: "button small",
      href: `/api/stories/${encodeURIComponent(key)}/export`,
      download: "",
      title: "Everything in one file that opens anywhere",
    },
    icon("down"),
    h("span", { text: "Export" }),
  );
  const close = h("button", { type: "submit", class: "ghost", "aria-label": "Close" }, icon("cross"));
  const facts = h("p", { class: "dossier-facts" }, h("span", { class: "mono", text: key }), state, cost, drift);
  const el = h(
    "header",
    { class: "dossier-head" },
    title,
    h("form", { method: "dialog" }, close),
    facts,
    h("p", { class: "dossier-actions" }, status, file),
  );
  show(status, false);
  return {
    el,
    /** @param {Dossier} dossier */
    update(dossier) {
      now = dossier;
      text(title, dossier.title || key);
      attr(el, "data-status", dossier.status);
      show(status, Boolean(dossier.writable) && dossier.status !== "unknown");
      attr(status, "aria-label", `Change the status, now ${statusWords(dossier.status)}`);
      setIcon(glyph, dossier.status);
      text(words, statusWords(dossier.status));
      text(
        state,
        dossier.writable && dossier.status !== "unknown"
          ? ""
          : `${statusWords(dossier.status)} (“${dossier.raw_status}”)`,
      );
      text(cost, costWords(dossier));
      drift.replaceChildren(
        ...(dossier.drift ? [icon("drift"), `The story file says ${dossier.drift.file_status}`] : []),
      );
    },
  };
}

/** @param {Dossier} dossier */
function costWords({ commands }) {
  const all = /** @type {Record<string, any>[]} */ (commands ?? []);
  const sum = (/** @type {boolean} */ shared) =>
    all
      .filter((command) => command.story_keys.length > 1 === shared)
      .reduce((total, command) => total + (command.cost_usd ?? 0), 0);
  const used = all.reduce((total, command) => total + allTokens(command), 0);
  const [own, shared] = [sum(false), sum(true)];
  return [
    own > 0 && `${money(own)} of its own`,
    shared > 0 && `${money(shared)} shared with other stories`,
    used > 0 && `${tokens(used)} tokens`,
  ]
    .filter(Boolean)
    .join(" · ");
}
