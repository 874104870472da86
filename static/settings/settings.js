// @ts-check
/**
 * The Settings tab: every setting in its group, edited in place, checked as it is written, saved all or none. What will
 * be written to the file is shown before it is; what another page has changed is shown as soon as it is in force.
 */
import { ApiError, get, post, request } from "../kit/api.js";
import { byId, h, list, show, text } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { createField } from "./setting-field.js";
import { grouped } from "./setting-format.js";

/** @typedef {import("./setting-format.js").Setting} Setting */
/** @typedef {{settings: Setting[], file: string, unread: string | null}} Answer */

/** How often the values in force are read again while the tab is open, in ms. */
const LOOK_MS = 4_000;
/** How long nothing is typed before the server is asked what a change would write, in ms. */
const TYPED_MS = 250;

export function createSettings() {
  const root = byId("tab-settings");
  const words = h("p", { class: "settings-words", id: "settings-words" });
  const unread = h("p", { class: "settings-unread", id: "settings-unread", hidden: true });
  const query = h("input", {
    type: "search",
    id: "settings-query",
    placeholder: "Find a setting",
    "aria-label": "Find a setting",
    autocomplete: "off",
    spellcheck: "false",
  });
  const groups = h("div", { class: "settings-groups" });
  const bar = h("section", { class: "settings-save", id: "settings-save", "aria-label": "Changes", hidden: true });
  const saveWords = h("p", { class: "save-words", id: "save-words", role: "status" });
  const diff = h("pre", {
    class: "save-diff",
    id: "save-diff",
    tabindex: "0",
    "aria-label": "What will be written to sprint-runner.yaml",
  });
  const save = h("button", { type: "submit", class: "button primary", id: "settings-submit", text: "Save" });
  const discard = h("button", { type: "button", class: "button", id: "settings-discard", text: "Discard" });
  const form = h("form", { class: "settings", novalidate: true }, groups, bar);
  bar.append(h("div", { class: "save-head" }, saveWords, discard, save), diff);
  root.append(h("div", { class: "settings-bar" }, words, h("label", { class: "search" }, query)), unread, form);
  const sections = list(
    groups,
    (/** @type {ReturnType<typeof grouped>[number]} */ group) => group.title,
    (group) => createGroup(group.title, changed),
  );

  let open = false;
  let readAt = 0;
  let timer = 0;
  let turn = 0;
  let saving = false;

  const fields = () => [...sections.views()].flatMap((section) => [...section.fields()]);
  const edited = () => fields().filter((field) => field.changed);

  async function read() {
    readAt = Date.now();
    try {
      const answer = await get("/api/settings");
      if (!saving) draw(answer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      text(words, error.message);
    }
  }

  /** @param {Answer} answer */
  function draw({ settings, file, unread: sentence }) {
    sections.render(grouped(settings));
    text(words, `Saved to ${file}, line by line; comments and everything else in it stay as they are.`);
    show(unread, sentence !== null);
    text(unread, sentence ?? "");
    filter();
    changed();
  }

  function filter() {
    const wanted = query.value.trim().toLowerCase();
    for (const section of sections.views()) section.filter(wanted);
  }

  /** Something was typed, reset or discarded. */
  function changed() {
    const all = edited();
    show(bar, all.length > 0);
    const wrong = all.filter((field) => field.error);
    save.disabled = wrong.length > 0 || saving;
    clearTimeout(timer);
    if (!all.length) return;
    text(
      saveWords,
      wrong.length
        ? `${plural(wrong.length, "value")} cannot be saved yet.`
        : `${plural(all.length, "change")} to sprint-runner.yaml`,
    );
    if (wrong.length) diff.replaceChildren();
    else timer = window.setTimeout(preview, TYPED_MS);
  }

  const changes = () => Object.fromEntries(edited().map((field) => [field.name, field.change]));

  /** What the server would write, or its refusal. */
  async function preview() {
    const mine = ++turn;
    try {
      const told = await post("/api/settings/preview", changes());
      if (mine !== turn) return;
      diff.replaceChildren(
        ...told.diff.map((/** @type {string} */ line) =>
          h("span", {
            class: "diff-line",
            "data-sign": line[0] === "+" ? "plus" : line[0] === "-" ? "minus" : null,
            text: `${line}\n`,
          }),
        ),
      );
      if (!told.diff.length) text(diff, "The file already says so.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === turn) refused(error);
    }
  }

  /** The server's sentence, at the field it is about. @param {ApiError} error */
  function refused(error) {
    diff.replaceChildren();
    text(saveWords, error.message);
    save.disabled = error.status !== 0;
    const about = edited().find((field) => new RegExp(`\\b${field.name}\\b`).test(error.message));
    about?.refuse(error.message);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const all = edited();
    const wrong = all.find((field) => field.error);
    if (wrong) return wrong.focus();
    if (!all.length || saving) return;
    saving = true;
    save.disabled = true;
    clearTimeout(timer);
    turn += 1;
    try {
      const answer = await request("/api/settings", {
        method: "PUT",
        body: JSON.stringify(changes()),
        headers: { "Content-Type": "application/json", Accept: "application/json" },
      });
      saving = false;
      for (const field of all) field.discard();
      draw(answer);
      toast(`Saved: ${all.map((field) => field.name).join(", ")}.`, "good");
      all[0].focus();
    } catch (error) {
      saving = false;
      if (!(error instanceof ApiError)) throw error;
      refused(error);
    }
  });
  discard.addEventListener("click", () => {
    const [first] = edited();
    for (const field of edited()) field.discard();
    first?.focus();
  });
  query.addEventListener("input", filter);
  addEventListener("beforeunload", (event) => {
    if (edited().length) event.preventDefault();
  });

  return {
    /** @param {import("../shell/app.js").Model} model */
    render({ ready }) {
      const opened = !open && ready;
      open ||= ready;
      if (opened || (ready && Date.now() - readAt > LOOK_MS)) read();
    },
    /** @param {import("../shell/app.js").Model} model */
    tick({ ready, link }) {
      if (ready && link.kind === "live" && Date.now() - readAt > LOOK_MS) read();
    },
    focus: () => query.focus(),
  };
}

/** @param {string} title @param {() => void} onChange */
function createGroup(title, onChange) {
  const rows = h("div", { class: "setting-rows" });
  const id = `group-${title.replace(/\W+/g, "-").toLowerCase()}`;
  const el = h("section", { class: "setting-group", "aria-labelledby": id }, h("h3", { id, text: title }), rows);
  // A setting that can no longer be changed here, or can be again, gets another control: it is part of the key.
  const fields = list(
    rows,
    (/** @type {Setting} */ setting) => `${setting.name} ${setting.locked === null}`,
    (setting) => createField(setting, onChange),
  );
  return {
    el,
    /** @param {{settings: Setting[]}} group */
    update(group) {
      fields.render(group.settings);
    },
    fields: () => fields.views(),
    /** @param {string} wanted */
    filter(wanted) {
      let any = false;
      for (const field of fields.views()) {
        const fits = !wanted || (field.el.textContent ?? "").toLowerCase().includes(wanted);
        show(field.el, fits);
        any ||= fits;
      }
      show(el, any);
    },
  };
}
