// @ts-check
/** The dossier of one story: its head, and the tabs Conversation, Changes, Story and Cost. */
import { h, show, text } from "../kit/dom.js";
import { count } from "../kit/format.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";
import { Changes } from "./changes.js";
import { Conversation } from "./conversation.js";
import { CostPanel } from "./cost-panel.js";
import { DossierTabs } from "./dossier-tabs.js";
import { StoryHead } from "./story-head.js";
import { StoryText } from "./story-text.js";

/** @typedef {Record<string, any>} Dossier the answer of `GET /api/stories/{key}` */

export class DossierView {
  nodes;
  #head;
  #tabs;
  #conversation;
  #changes;
  #story;
  #cost;
  #note = h("p", { class: "empty dossier-note", text: "Loading" });
  #isRead = false;

  /** @param {string} key */
  constructor(key) {
    this.key = key;
    this.#conversation = new Conversation(key, (change) => this.#openChange(change));
    this.#changes = new Changes(key);
    this.#story = new StoryText(key);
    this.#cost = new CostPanel(key);
    this.#tabs = new DossierTabs([
      { name: "conversation", title: "Conversation", el: this.#conversation.el },
      tab("changes", "Changes", this.#changes),
      tab("story", "Story", this.#story),
      { name: "cost", title: "Cost", el: this.#cost.el, onShow: () => this.#cost.show() },
    ]);
    this.#head = new StoryHead(key, this.#verbs());
    this.nodes = [this.#head.el, this.#tabs.bar, this.#note, this.#tabs.panels];
    for (const el of [this.#tabs.bar, this.#tabs.panels]) show(el, false);
    this.#tabs.route();
  }

  /** @returns {import("./story-head.js").Verbs} */
  #verbs() {
    const conversation = (/** @type {() => void} */ then) => () => {
      this.#tabs.open("conversation");
      then();
    };
    const changes = (/** @type {() => void} */ then) => () => {
      this.#tabs.open("changes");
      then();
    };
    return {
      retry: conversation(() => this.#conversation.retry()),
      hint: conversation(() => this.#conversation.write()),
      preview: conversation(() => this.#conversation.preview()),
      revert: changes(() => this.#changes.openRevert()),
      receipt: changes(() => this.#changes.el.querySelector("#dossier-receipt")?.scrollIntoView({ block: "center" })),
    };
  }

  /** Opens the form that the address names, once. */
  #openForm() {
    if (urlParams().get("form") !== "revert") return;
    setUrlParams({ form: null });
    this.#tabs.open("changes");
    if (this.#changes.canRevert) this.#changes.openRevert();
  }

  /** @param {string} change the name of a change */
  #openChange(change) {
    this.#changes.choose(change);
    this.#tabs.open("changes");
    this.#tabs.bar.scrollIntoView({ block: "start" });
    this.#tabs.focus();
  }

  /** Follows the address. */
  route() {
    this.#tabs.route();
    if (this.#isRead) this.#changes.route();
  }

  /** Scrolls to a command of the story. @param {number} command @returns {boolean} whether the story has it */
  open(command) {
    this.#tabs.open("conversation");
    return this.#conversation.open(command);
  }

  /** @param {Dossier} dossier */
  update(dossier) {
    this.#head.update(dossier);
    const items = this.#conversation.update(dossier);
    // Once, at the first reading: nothing is opened under the reader's eyes later.
    if (!this.#isRead && items === 0) this.#tabs.openUsual("story");
    this.#isRead = true;
    this.#tabs.setCount("conversation", count(items));
    this.#tabs.setCount("changes", this.#changes.update(dossier));
    this.#tabs.setCount("story", this.#story.update(dossier));
    this.#tabs.setCount("cost", this.#cost.update(dossier));
    for (const el of [this.#tabs.bar, this.#tabs.panels]) show(el, true);
    show(this.#note, false);
    this.#openForm();
  }

  /** Shows an error; the dossier that was read before stays. @param {string} message */
  fail(message) {
    text(this.#note, this.#isRead ? `This may be old: ${message}` : message);
    show(this.#note, true);
  }
}

/** @param {string} name @param {string} title @param {{el: HTMLElement, show: () => void, hide: () => void}} view */
function tab(name, title, view) {
  return { name, title, el: view.el, onShow: () => view.show(), onHide: () => view.hide() };
}
