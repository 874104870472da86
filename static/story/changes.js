// @ts-check
/** The Changes tab: what the story's commands changed, in all or one by one, its commits, and which files are viewed. */
import { catchApiError, get } from "../kit/api.js";
import { attr, fill, h, icon, show, text } from "../kit/dom.js";
import { clock, count, day, plural, shortCommand } from "../kit/format.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";
import { createSize } from "./change-size.js";
import { createFiles, remarksOf } from "./diff.js";
import { keepScrollOf } from "./keep-scroll.js";
import { createReceipt } from "./receipt.js";
import { createRevertForm } from "./revert-form.js";
import { isViewed, setViewed } from "./viewed.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */
/** @typedef {import("./diff.js").FileChange} FileChange */
/** @typedef {{value: string, words: string}} Choice */

/** The name of the change of all commands. */
const ALL = "work";

export class Changes {
  el;
  #key;
  #select = h("select", { id: "change-choice" });
  #size = h("span", { class: "soft" });
  #viewed = h("span", { class: "soft" });
  #note = h("p", { class: "hint-note" });
  #toc = h("ul", { class: "toc-files" });
  #tocHead = h("summary");
  #list = h("details", { class: "toc" }, this.#tocHead, this.#toc);
  #files = h("div", { class: "files" });
  #revert;
  #receipt;
  #receiptPart;
  #dossier = /** @type {Dossier | null} */ (null);
  #shown = false;
  #drawn = "";
  #choices = "";
  #read = 0;

  /** @param {string} key of the story */
  constructor(key) {
    this.#key = key;
    this.#revert = createRevertForm(key);
    this.#receipt = createReceipt(key);
    this.#receiptPart = part("Receipt of its commit", "dossier-receipt", this.#receipt.el);
    const label = h("label", { for: "change-choice", text: "Changes of" });
    const bar = h("p", { class: "change-bar" }, label, this.#select, this.#size, this.#viewed);
    const nav = h("nav", { "aria-label": "Files of this change" }, this.#list);
    const body = h("div", { class: "change-body" }, nav, this.#files);
    const revert = part("Revert", "dossier-revert", this.#revert);
    this.el = h("div", { class: "changes" }, bar, this.#note, body, this.#receiptPart, revert);
    this.#select.addEventListener("change", () => this.choose(this.#select.value));
    this.#list.open = matchMedia("(min-width: 720px)").matches;
  }

  /** @param {Dossier} dossier @returns {string} what the tab says beside its name */
  update(dossier) {
    this.#dossier = dossier;
    this.#updateChoices();
    show(this.#receiptPart, this.#receipt.update(dossier) > 0);
    show(/** @type {HTMLElement} */ (this.#revert.parentElement), dossier.commits.length > 0);
    if (this.#shown) this.#readWhenChanged();
    const files = dossier.diff?.files_changed ?? 0;
    return files ? count(files) : "";
  }

  /** The tab is open. */
  show() {
    this.#shown = true;
    if (this.#dossier) this.route();
  }

  /** Follows the address. */
  route() {
    this.#updateChoices();
    if (this.#shown) this.#readWhenChanged();
  }

  /** The tab is left. */
  hide() {
    this.#shown = false;
  }

  /** @param {string} change its name */
  choose(change) {
    setUrlParams({ change: change === ALL ? null : change });
    this.route();
  }

  get canRevert() {
    return Boolean(this.#dossier?.commits.length);
  }

  /** Opens the form that reverts the newest commit. */
  openRevert() {
    const fold = /** @type {HTMLDetailsElement} */ (this.#revert);
    fold.open = true;
    fold.scrollIntoView({ block: "center" });
    fold.querySelector("select")?.focus({ preventScroll: true });
  }

  #updateChoices() {
    if (!this.#dossier) return;
    const groups = choicesOf(this.#dossier);
    const now = JSON.stringify(groups);
    if (this.#choices !== now) {
      fill(this.#select, ...groups.flatMap(({ name, choices }) => optionsOf(name, choices)));
      this.#choices = now;
    }
    const asked = urlParams().get("change") ?? ALL;
    const isKnown = groups.some(({ choices }) => choices.some(({ value }) => value === asked));
    this.#select.value = isKnown ? asked : groups[0].choices[0].value;
  }

  /** Reads the chosen change, and again when a command has ended or the work has another size. */
  #readWhenChanged() {
    const { commands, diff, by_hand: taken } = /** @type {Dossier} */ (this.#dossier);
    const change = this.#select.value;
    const ends = commands.map((/** @type {any} */ command) => [command.id, command.ended_at]);
    const now = JSON.stringify([
      change,
      change === ALL || change.startsWith("command") ? [ends, diff, taken?.length] : 0,
    ]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    void this.#load(change);
  }

  /** @param {string} change */
  async #load(change) {
    const url = `/api/stories/${encodeURIComponent(this.#key)}/changes/${change}`;
    const turn = ++this.#read;
    if (!this.#files.childElementCount) fill(this.#files, h("p", { class: "empty", text: "Loading" }));
    const found = await catchApiError(get(url), (error) => error);
    if (turn !== this.#read) return;
    if (found instanceof Error) this.#fail(change, found.message);
    else keepScrollOf(this.el, () => this.#draw(change, url, found));
  }

  /** @param {string} change @param {string} message */
  #fail(change, message) {
    const nothing = change === ALL && !this.#dossier?.diff;
    fill(
      this.#files,
      h("p", { class: "empty", text: nothing ? "Its commands have changed no file yet." : sentence(message) }),
    );
    for (const el of [this.#size, this.#viewed, this.#note]) text(el, "");
    show(this.#list, false);
    show(this.#note, false);
  }

  /** @param {string} change @param {string} url @param {import("./diff.js").Change} found */
  #draw(change, url, found) {
    const place = `${this.#key} ${change}`;
    const open = new Set([...this.#files.querySelectorAll("details[open]")].map((el) => el.id));
    const made = createFiles(found, url, (file) => isViewed(place, file));
    const rows = made.map(({ file, el }, at) => this.#createFile(place, file, el, at));
    for (const { el } of made) if (open.has(el.id)) /** @type {HTMLDetailsElement} */ (el).open = true;
    fill(this.#files, ...rows, ...remarksOf(found));
    fill(this.#toc, ...made.map(({ file, el }) => tocRow(file, el)));
    text(this.#tocHead, plural(found.files.length, "file"));
    show(this.#list, found.files.length > 0);
    const sum = (/** @type {"added" | "removed"} */ of) => found.files.reduce((total, file) => total + file[of], 0);
    fill(this.#size, createSize(sum("added"), sum("removed")));
    this.#updateViewed(place, found.files);
    const lost = (found.unknown ?? []).map((id) => this.#nameOf(id));
    text(
      this.#note,
      lost.length ? `${lost.join(", ")} was cut off: what it had changed until then is not recorded.` : "",
    );
    show(this.#note, lost.length > 0);
  }

  /** @param {number} id */
  #nameOf(id) {
    const found = this.#dossier?.commands.find((/** @type {any} */ command) => command.id === id);
    return found ? shortCommand(found.command) : `command ${id}`;
  }

  /** @param {string} place @param {FileChange} file @param {HTMLElement} el @param {number} at */
  #createFile(place, file, el, at) {
    el.id = `file-${at}-${file.part ?? 1}`;
    const box = h("input", { type: "checkbox", "aria-label": `Viewed: ${file.path}` });
    box.checked = isViewed(place, file);
    box.addEventListener("change", () => {
      setViewed(place, file, box.checked);
      if (el instanceof HTMLDetailsElement) el.open = !box.checked;
      this.#updateViewed(place, null);
    });
    const makers = (file.makers ?? []).map((maker) => this.#makerName(maker));
    const by =
      makers.length && place.endsWith(` ${ALL}`)
        ? h("p", { class: "file-makers", text: `by ${makers.join(", ")}` })
        : null;
    const viewed = h("label", { class: "viewed" }, box, h("span", { text: "Viewed" }));
    return h("div", { class: "file-row", "data-path": file.path }, el, viewed, by);
  }

  /** @param {string} maker */
  #makerName(maker) {
    return maker.startsWith("command-") ? this.#nameOf(Number(maker.slice(8))) : "you";
  }

  /** @param {string} place @param {FileChange[] | null} files null where only a mark changed */
  #updateViewed(place, files) {
    const boxes = [...this.#files.querySelectorAll(".viewed input")];
    const seen = boxes.filter((box) => /** @type {HTMLInputElement} */ (box).checked).length;
    text(this.#viewed, boxes.length > 1 ? `${count(seen)} of ${count(boxes.length)} viewed` : "");
    for (const [at, row] of [...this.#toc.children].entries())
      attr(row, "data-viewed", /** @type {HTMLInputElement | undefined} */ (boxes[at])?.checked ?? false);
    if (files) attr(this.#files, "data-place", place);
  }
}

/** @param {string} title @param {string} id @param {HTMLElement} content */
function part(title, id, content) {
  return h(
    "section",
    { class: "part", "aria-labelledby": id, hidden: true },
    h("h3", { id, tabindex: "-1", text: title }),
    content,
  );
}

/** @param {FileChange} file @param {HTMLElement} el */
function tocRow(file, el) {
  const go = () => {
    if (el instanceof HTMLDetailsElement) el.open = true;
    el.scrollIntoView({ block: "start" });
    el.querySelector("summary")?.focus({ preventScroll: true });
  };
  const slash = file.path.lastIndexOf("/") + 1;
  const name = h(
    "span",
    { class: "toc-name" },
    h("b", { text: file.path.slice(slash) }),
    h("span", { class: "folder", text: file.path.slice(0, slash) }),
  );
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "toc-file", title: file.path, on: { click: go } },
      icon("check"),
      name,
      createSize(file.added, file.removed),
    ),
  );
}

/** @param {Dossier} dossier @returns {{name: string, choices: Choice[]}[]} */
function choicesOf({ commands, by_hand: taken = [], commits }) {
  const ofCommands = commands
    .filter((/** @type {any} */ command) => command.files_changed || (command.branch && command.ended_at === null))
    .map((/** @type {any} */ command) => ({
      value: `command-${command.id}`,
      words: [shortCommand(command.command), command.attempt > 1 && `attempt ${command.attempt}`, sizeWords(command)]
        .filter(Boolean)
        .join(" · "),
    }));
  const byHand = taken
    .filter((/** @type {any} */ one) => one.diff)
    .map((/** @type {any} */ one) => ({ value: one.diff, words: `Your change by hand · ${sizeWords(one)}` }));
  const ofCommits = commits.map((/** @type {any} */ commit) => ({
    value: commit.hash,
    words: `${commit.hash.slice(0, 7)} ${commit.subject} · ${day(commit.at)} ${clock(commit.at)}`,
  }));
  return [
    { name: "", choices: [{ value: ALL, words: "All of its commands" }] },
    { name: "One by one", choices: [...ofCommands, ...byHand] },
    { name: "Commits, with all that is in them", choices: ofCommits },
  ].filter(({ choices }) => choices.length);
}

/** @param {any} change */
function sizeWords({ files_changed: files, lines_added: added, lines_removed: removed }) {
  return files ? `${plural(files, "file")} +${count(added)} −${count(removed)}` : "running";
}

/** @param {string} name @param {Choice[]} choices @returns {Node[]} */
function optionsOf(name, choices) {
  const options = choices.map(({ value, words }) => h("option", { value, text: words }));
  return name ? [h("optgroup", { label: name }, ...options)] : options;
}

/** @param {string} message */
function sentence(message) {
  return `${message[0].toUpperCase()}${message.slice(1)}.`;
}
