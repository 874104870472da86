// @ts-check
/**
 * The Settings tab: a page for each topic, every setting edited in place, checked while it is typed, saved all or none. It
 * shows what will be written to the file before it is written, and values that another page has changed. A search goes
 * through all topics.
 */
import { catchApiError, get, post, put } from "../kit/api.js";
import { byId, h, show, text } from "../kit/dom.js";
import { isReader, READER_WORDS } from "../kit/role.js";
import { toast } from "../kit/toast.js";
import { AccessPanel } from "./access.js";
import { Appearance } from "./appearance.js";
import { Prompts } from "./prompts.js";
import { PushPanel } from "./push.js";
import { SaveBar } from "./save-bar.js";
import { TopicNav } from "./topic-nav.js";
import { TopicPage } from "./topic-page.js";
import { grouped, TOPICS } from "./topics.js";

/** @typedef {import("./setting-format.js").Setting} Setting */
/** @typedef {import("./setting-field.js").SettingField} SettingField */
/** @typedef {{settings: Setting[], file: string, unread: string | null}} Answer of `GET /api/settings` */

/** How often the values in force are read again while the tab is open, in ms. */
const READ_MS = 4_000;
/** How long nothing is typed before the server is asked for a preview, in ms. */
const TYPING_MS = 250;

export class Settings {
  #intro = h("p", { class: "settings-words", id: "settings-words" });
  #unread = h("p", { class: "settings-unread", id: "settings-unread", hidden: true });
  #guardian = h("p", { class: "settings-words", id: "settings-guardian" });
  #awake = h("p", { class: "settings-words", id: "settings-awake" });
  #fleet = h("p", { class: "settings-words", id: "settings-fleet", hidden: true });
  #query = h("input", {
    type: "search",
    id: "settings-query",
    placeholder: "Find a setting",
    "aria-label": "Find a setting",
    autocomplete: "off",
    spellcheck: "false",
  });
  #bar = new SaveBar(() => this.#discard());
  #prompts = new Prompts();
  #access = new AccessPanel();
  #push = new PushPanel();
  #appearance = new Appearance();
  #pages = TOPICS.map((topic) => new TopicPage(topic, () => this.#changed()));
  #none = h("p", { class: "empty", role: "status" });
  #nav = new TopicNav(() => this.#show());
  #opened = false;
  #readAt = 0;
  #timer = 0;
  /** The number of the newest preview: answers to older ones are dropped. */
  #preview = 0;
  #saving = false;

  constructor() {
    const pages = this.#pages.map(({ el }) => el);
    const parts = [this.#unread, ...pages, this.#none, this.#intro, this.#bar.el];
    const form = h("form", { class: "settings", novalidate: true }, ...parts);
    const side = h("div", { class: "settings-side" }, h("label", { class: "search" }, this.#query), this.#nav.el);
    byId("tab-settings").append(h("div", { class: "settings-frame" }, side, form));
    this.#fillPages();
    this.#query.addEventListener("input", () => this.#show());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    addEventListener("beforeunload", (event) => this.#edited.length && event.preventDefault());
  }

  /** Adds what is beside the settings of a topic. */
  #fillPages() {
    const page = (/** @type {string} */ id) => /** @type {TopicPage} */ (this.#pages.find((each) => each.id === id));
    const bell = "While the page is open, the bell at its top switches notifications of this browser on.";
    page("access").lead(this.#access);
    page("notifications").add(this.#push, h("p", { class: "settings-words", text: bell }));
    page("appearance").add(this.#appearance);
    page("prompts").add(this.#prompts);
    page("schedule").add(null, this.#awake);
    page("fleet").add(null, this.#fleet);
    page("server").add(null, this.#guardian);
  }

  /** Shows the settings that have a text. @param {string} words */
  find(words) {
    this.#query.value = words;
    this.#show();
    this.#query.focus();
  }

  focus() {
    this.#query.focus();
  }

  /** A prompt was changed, perhaps by another page. */
  promptsChanged() {
    this.#prompts.changed();
  }

  /** @param {import("../shell/model.js").Model} model */
  render({ ready, run }) {
    if (!ready) return;
    text(this.#guardian, run.guardian.sentence && `When the server is killed: ${run.guardian.sentence}.`);
    if (!this.#opened || this.#isStale) this.#read();
    this.#opened = true;
    this.#appearance.read();
    void this.#openPrompts();
  }

  /** @param {import("../shell/model.js").Model} model */
  tick({ ready, link }) {
    if (ready && link.kind === "live" && this.#isStale) this.#read();
  }

  get #isStale() {
    return Date.now() - this.#readAt > READ_MS;
  }

  /** The fields with a change that is not saved. */
  get #edited() {
    return this.#fields.filter((field) => field.changed);
  }

  get #fields() {
    return this.#pages.flatMap((page) => page.fields);
  }

  get #changes() {
    return Object.fromEntries(this.#edited.map((field) => [field.name, field.change]));
  }

  async #openPrompts() {
    await this.#prompts.open();
    this.#offerCommands();
  }

  #offerCommands() {
    for (const field of this.#fields) field.offerCommands(this.#prompts.commands);
  }

  async #read() {
    this.#readAt = Date.now();
    const answer = await catchApiError(get("/api/settings"), (error) => {
      text(this.#intro, error.message);
      return null;
    });
    if (answer && !this.#saving) this.#draw(answer);
    void this.#access.read();
    if (!isReader) void this.#push.read();
    // No event says that the machine is kept awake now.
    const run = await catchApiError(get("/api/run"));
    if (!run) return;
    text(this.#awake, awakeText(run.awake));
    this.#fleet.hidden = !run.fleet;
    if (run.fleet) text(this.#fleet, fleetText(run.fleet));
  }

  /** @param {Answer} answer */
  #draw({ settings, file, unread }) {
    const groups = grouped(isReader ? settings.map(locked) : settings);
    for (const page of this.#pages) page.render(groups.find(({ id }) => id === page.id)?.settings ?? []);
    this.#offerCommands();
    text(this.#intro, `Saved to ${file}, line by line; comments and everything else in it stay as they are.`);
    show(this.#unread, unread !== null);
    text(this.#unread, unread ?? "");
    this.#changed();
  }

  /** Shows the open topic, or of all topics what the search finds. */
  #show() {
    const query = this.#query.value.trim().toLowerCase();
    const found = new Set(this.#pages.filter((page) => page.filter(query)).map(({ id }) => id));
    for (const page of this.#pages) show(page.el, query ? found.has(page.id) : page.id === this.#nav.current);
    // What is kept elsewhere, or is only shown, is not saved to the file.
    show(
      this.#intro,
      this.#pages.some(({ el, fields }) => !el.hidden && fields.some(({ editable }) => editable)),
    );
    text(this.#none, found.size ? "" : "No setting is called that.");
    const changed = new Set(
      this.#pages.filter((page) => page.fields.some((field) => field.changed)).map(({ id }) => id),
    );
    this.#nav.render({ found: query ? found : null, changed });
    this.#prompts.route();
  }

  #changed() {
    const edited = this.#edited;
    const wrong = edited.filter((field) => field.error).length;
    this.#bar.show({ changes: edited.length, wrong, saving: this.#saving });
    this.#show();
    clearTimeout(this.#timer);
    if (edited.length && !wrong) this.#timer = window.setTimeout(() => this.#readPreview(), TYPING_MS);
  }

  /** Shows what the server would write, or why it refuses. */
  async #readPreview() {
    const preview = ++this.#preview;
    const answer = await catchApiError(post("/api/settings/preview", this.#changes), (error) => {
      if (preview === this.#preview) this.#refused(error);
      return null;
    });
    if (answer && preview === this.#preview) this.#bar.showDiff(answer.diff);
  }

  /** @param {import("../kit/api.js").ApiError} error */
  #refused(error) {
    this.#bar.refuse(error);
    const field = this.#edited.find(({ name }) => new RegExp(`\\b${name}\\b`).test(error.message));
    field?.refuse(error.message);
  }

  async #submit() {
    const edited = this.#edited;
    const wrong = edited.find((field) => field.error);
    if (wrong) return this.#focus(wrong);
    if (!edited.length || this.#saving) return;
    this.#saving = true;
    this.#bar.disable();
    clearTimeout(this.#timer);
    this.#preview += 1;
    await catchApiError(
      put("/api/settings", this.#changes)
        .finally(() => {
          this.#saving = false;
        })
        .then((answer) => this.#saved(answer, edited)),
      (error) => this.#refused(error),
    );
  }

  /** @param {Answer} answer @param {SettingField[]} edited */
  #saved(answer, edited) {
    for (const field of edited) field.discard();
    this.#draw(answer);
    toast(`Saved: ${edited.map((field) => field.name).join(", ")}.`, "good");
    this.#focus(edited[0]);
  }

  /** @param {SettingField | undefined} field whose topic may not be open */
  #focus(field) {
    const page = this.#pages.find((each) => field && each.fields.includes(field));
    if (page?.el.hidden) location.hash = `#settings?topic=${page.id}`;
    if (page) show(page.el, true); // the address is followed a moment later
    field?.focus();
  }

  #discard() {
    const edited = this.#edited;
    for (const field of edited) field.discard();
    this.#focus(edited[0]);
  }
}

/** A setting as a reader sees it. @param {Setting} setting @returns {Setting} */
function locked(setting) {
  return { ...setting, locked: setting.locked ?? READER_WORDS };
}

/** @param {NonNullable<import("../state.js").RunState["fleet"]>} fleet @returns {string} how this runner is in it */
function fleetText({ name, address, connected, problem }) {
  if (problem) return `Fleet: ${problem}.`;
  return connected ? `In the fleet at ${address} as ${name}.` : `Connects to the fleet at ${address} as ${name}.`;
}

/** @param {import("../state.js").RunState["awake"]} awake @returns {string} how the machine is kept from sleeping */
function awakeText({ active, means, problem }) {
  if (problem) return `The machine cannot be kept awake: ${problem}.`;
  if (!means) return "This system has no known way to keep the machine awake.";
  return active ? `The machine is kept awake by ${means}.` : `While a batch works, ${means} keeps the machine awake.`;
}
