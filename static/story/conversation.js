// @ts-check
/** The Conversation tab: all that happened to the story in order of time, and the operator's next words. */
import { fill, h, list, show, text } from "../kit/dom.js";
import { day, plural } from "../kit/format.js";
import { HintForm } from "../kit/hint-form.js";
import { createTakeOver } from "../kit/takeover.js";
import { createStoryPreview } from "../preview/story-preview.js";
import { CommandItem } from "./command-item.js";
import { itemsOf } from "./conversation-items.js";
import { drawDeliveries } from "./deliveries.js";
import { NoteItem } from "./note-item.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */
/** @typedef {import("./conversation-items.js").Item} Item */

/** Items that are shown at once; earlier ones follow on demand. */
const SHOWN = 60;

export class Conversation {
  el;
  #rows = h("ol", { class: "items" });
  #earlier = h("button", { type: "button", class: "plain earlier", hidden: true });
  #empty = h("p", { class: "empty", text: "Nothing has happened yet: no command has run for this story." });
  #taken = h("div");
  #deliveries = h("div");
  #delivered;
  #form;
  #preview;
  #items;
  #open;
  /** @type {Item[]} */ #all = [];
  #from = 0;
  #drawn = "";

  /** @param {string} key of the story @param {(change: string) => void} openChange */
  constructor(key, openChange) {
    this.#form = new HintForm(key);
    this.#preview = createStoryPreview(key);
    this.#open = { change: openChange, command: (/** @type {number} */ id) => void this.open(id) };
    this.#items = list(
      this.#rows,
      (/** @type {Item} */ item) => item.id,
      (item) => this.#create(item),
    );
    this.#delivered = part("Where it was delivered", "dossier-delivery", this.#deliveries);
    const hints = part("Hints for its next command", "dossier-hints", this.#form.el);
    const preview = part("What would be sent", "dossier-preview", this.#preview.el);
    this.el = h(
      "div",
      { class: "conversation" },
      this.#empty,
      this.#earlier,
      this.#rows,
      this.#taken,
      this.#delivered,
      hints,
      preview,
    );
    this.#earlier.addEventListener("click", () => this.#showEarlier());
  }

  /** @param {Dossier} dossier @returns {number} of items */
  update(dossier) {
    const before = this.#all.length;
    this.#all = itemsOf(dossier, this.#open);
    if (!before) this.#from = Math.max(0, this.#all.length - SHOWN);
    this.#render();
    show(this.#empty, !this.#all.length);
    this.#form.update(dossier.status === "blocked" && Boolean(dossier.writable));
    this.#drawRest(dossier);
    return this.#all.length;
  }

  #render() {
    this.#items.render(this.#all.slice(this.#from));
    show(this.#earlier, this.#from > 0);
    text(this.#earlier, `Show ${plural(Math.min(SHOWN, this.#from), "earlier entry", "earlier entries")}`);
    this.#markDays();
  }

  /** Each item of a new day says so. */
  #markDays() {
    let last = "";
    for (const [at, row] of [...this.#rows.children].entries()) {
      const now = day(this.#all[this.#from + at].at);
      if (now === last) row.removeAttribute("data-day");
      else row.setAttribute("data-day", now);
      last = now;
    }
  }

  #showEarlier() {
    this.#from = Math.max(0, this.#from - SHOWN);
    this.#render();
    this.#rows.querySelector("button")?.focus();
  }

  /** @param {Item} item @returns {{el: HTMLElement, update: (item: Item) => void}} */
  #create({ data, draw }) {
    const view = draw ? new NoteItem(draw) : new CommandItem(data, this.#open.change);
    if (view instanceof CommandItem) this.#commands.set(data.command.id, view);
    return { el: view.el, update: (/** @type {Item} */ item) => view.update(item.data) };
  }
  /** @type {Map<number, CommandItem>} */ #commands = new Map();

  /** What is open now: a take-over, and deliveries. @param {Dossier} dossier */
  #drawRest({ by_hand: taken = [], deliveries = [] }) {
    const open = taken.filter((/** @type {any} */ one) => one.state !== "returned");
    const now = JSON.stringify([open, deliveries]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    const rows = open.map((/** @type {any} */ one) =>
      h("div", { class: "mine" }, h("p", { text: one.message }), createTakeOver(one).el),
    );
    fill(this.#taken, ...rows);
    fill(this.#deliveries, ...drawDeliveries({ deliveries }));
    show(this.#delivered, deliveries.length > 0);
  }

  /** Opens a command with its transcript. @param {number} id @returns {boolean} whether the story has it */
  open(id) {
    const at = this.#all.findIndex((item) => item.id === `command-${id}`);
    if (at < 0) return false;
    if (at < this.#from) {
      this.#from = at;
      this.#render();
    }
    this.#commands.get(id)?.open();
    return true;
  }

  /** Brings the field for a hint into sight. */
  write() {
    const field = this.#form.el.querySelector("textarea");
    field?.scrollIntoView({ block: "center" });
    field?.focus({ preventScroll: true });
  }

  /** Retries the blocked story, with what is written in the field. */
  retry() {
    this.#form.el.requestSubmit();
  }

  /** Opens what would be sent. */
  preview() {
    const fold = /** @type {HTMLDetailsElement} */ (this.#preview.el);
    fold.open = true;
    fold.scrollIntoView({ block: "start" });
    fold.querySelector("summary")?.focus({ preventScroll: true });
  }
}

/** @param {string} title @param {string} id @param {HTMLElement} content */
function part(title, id, content) {
  return h("section", { class: "part", "aria-labelledby": id }, h("h3", { id, tabindex: "-1", text: title }), content);
}
