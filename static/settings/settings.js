// @ts-check
/**
 * The Settings tab: every setting in its group, edited in place, checked while it is typed, saved all or none. It shows
 * what will be written to the file before it is written, and values that another page has changed.
 */
import { catchApiError, get, post, put } from "../kit/api.js";
import { byId, h, list, show, text } from "../kit/dom.js";
import { isReader, READER_WORDS } from "../kit/role.js";
import { toast } from "../kit/toast.js";
import { AccessPanel } from "./access.js";
import { Prompts } from "./prompts.js";
import { SaveBar } from "./save-bar.js";
import { SettingField } from "./setting-field.js";
import { grouped } from "./setting-format.js";

/** @typedef {import("./setting-format.js").Setting} Setting */
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
  #groups = h("div", { class: "settings-groups" });
  #bar = new SaveBar(() => this.#discard());
  #form = h("form", { class: "settings", novalidate: true }, this.#groups, this.#bar.el);
  #sections = list(
    this.#groups,
    (/** @type {ReturnType<typeof grouped>[number]} */ group) => group.title,
    (group) => createGroup(group.title, () => this.#changed()),
  );
  #prompts = new Prompts();
  #access = new AccessPanel();
  #opened = false;
  #readAt = 0;
  #timer = 0;
  /** The number of the newest preview: answers to older ones are dropped. */
  #preview = 0;
  #saving = false;

  constructor() {
    const top = h("div", { class: "settings-bar" }, this.#intro, h("label", { class: "search" }, this.#query));
    byId("tab-settings").append(
      top,
      this.#unread,
      this.#form,
      this.#access.el,
      this.#prompts.el,
      this.#guardian,
      this.#awake,
      this.#fleet,
    );
    this.#query.addEventListener("input", () => this.#filter());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    addEventListener("beforeunload", (event) => this.#edited.length && event.preventDefault());
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
    void this.#prompts.open();
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
    return [...this.#sections.views()].flatMap((section) => [...section.fields()]).filter((field) => field.changed);
  }

  get #changes() {
    return Object.fromEntries(this.#edited.map((field) => [field.name, field.change]));
  }

  async #read() {
    this.#readAt = Date.now();
    const answer = await catchApiError(get("/api/settings"), (error) => {
      text(this.#intro, error.message);
      return null;
    });
    if (answer && !this.#saving) this.#draw(answer);
    void this.#access.read();
    // No event says that the machine is kept awake now.
    const run = await catchApiError(get("/api/run"));
    if (!run) return;
    text(this.#awake, awakeText(run.awake));
    this.#fleet.hidden = !run.fleet;
    if (run.fleet) text(this.#fleet, fleetText(run.fleet));
  }

  /** @param {Answer} answer */
  #draw({ settings, file, unread }) {
    this.#sections.render(grouped(isReader ? settings.map(locked) : settings));
    text(this.#intro, `Saved to ${file}, line by line; comments and everything else in it stay as they are.`);
    show(this.#unread, unread !== null);
    text(this.#unread, unread ?? "");
    this.#filter();
    this.#changed();
  }

  #filter() {
    const query = this.#query.value.trim().toLowerCase();
    for (const section of this.#sections.views()) section.filter(query);
    this.#access.filter(query);
    this.#prompts.filter(query);
  }

  #changed() {
    const edited = this.#edited;
    const wrong = edited.filter((field) => field.error).length;
    this.#bar.show({ changes: edited.length, wrong, saving: this.#saving });
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
    if (wrong) return wrong.focus();
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
    edited[0].focus();
  }

  #discard() {
    const edited = this.#edited;
    for (const field of edited) field.discard();
    edited[0]?.focus();
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

/** @param {string} title @param {() => void} onChange */
function createGroup(title, onChange) {
  const rows = h("div", { class: "setting-rows" });
  const id = `group-${title.replace(/\W+/g, "-").toLowerCase()}`;
  const el = h("section", { class: "setting-group", "aria-labelledby": id }, h("h3", { id, text: title }), rows);
  // A setting that is locked or unlocked needs another control: that is part of the key.
  const fields = list(
    rows,
    (/** @type {Setting} */ setting) => `${setting.name} ${setting.locked === null}`,
    (setting) => new SettingField(setting, onChange),
  );
  return {
    el,
    /** @param {{settings: Setting[]}} group */
    update: (group) => fields.render(group.settings),
    fields: () => fields.views(),
    /** @param {string} query in lower case */
    filter(query) {
      let any = false;
      for (const field of fields.views()) {
        const matches = !query || (field.el.textContent ?? "").toLowerCase().includes(query);
        show(field.el, matches);
        any ||= matches;
      }
      show(el, any);
    },
  };
}
