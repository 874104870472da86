// @ts-check
/** The Story tab: the story's file as it is meant to be read, what the plan says, and the other files that belong to it. */
import { findingParts } from "../board/deferred.js";
import { factRows } from "../board/plan-facts.js";
import { catchApiError, get } from "../kit/api.js";
import { createDisclosure } from "../kit/disclosure.js";
import { fill, h, show } from "../kit/dom.js";
import { count } from "../kit/format.js";
import { inlineMarkdown } from "./inline-markdown.js";
import { keepScrollOf } from "./keep-scroll.js";
import { markdown } from "./markdown.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */

export class StoryText {
  el;
  #key;
  #file = h("div", { class: "story-file" });
  #facts = part("In the plan", "dossier-plan");
  #deferred = part("Put off by its builds", "dossier-deferred");
  #files = part("Other files", "dossier-files");
  #named = part("Named by the agent as changed", "dossier-named");
  #dossier = /** @type {Dossier | null} */ (null);
  #shown = false;
  #drawn = "";
  #rest = "";
  #read = 0;

  /** @param {string} key */
  constructor(key) {
    this.#key = key;
    const parts = [this.#facts, this.#deferred, this.#files, this.#named];
    this.el = h("div", { class: "story-text" }, this.#file, ...parts.map(({ el }) => el));
  }

  /** @param {Dossier} dossier @returns {string} what the tab says beside its name */
  update(dossier) {
    this.#dossier = dossier;
    this.#drawRest(dossier);
    if (this.#shown) this.#readWhenChanged();
    const tasks = dossier.tasks ?? [];
    const done = tasks.filter((/** @type {{done: boolean}} */ task) => task.done).length;
    return tasks.length ? `${done}/${tasks.length}` : "";
  }

  show() {
    this.#shown = true;
    if (this.#dossier) this.#readWhenChanged();
  }

  hide() {
    this.#shown = false;
  }

  /** @param {Dossier} dossier */
  #drawRest(dossier) {
    const { plan, deferred = [], file_list: named = [] } = dossier;
    const others = otherFiles(dossier);
    const now = JSON.stringify([plan, deferred, named, others]);
    if (now === this.#rest) return;
    this.#rest = now;
    const rows = factRows(plan ?? {}).flatMap(([name, value]) => [
      h("dt", { text: name }),
      h("dd", { dir: "auto", text: value }),
    ]);
    this.#facts.fill(rows.length ? [h("dl", { class: "plan-facts" }, ...rows)] : []);
    const findings = deferred.map((/** @type {any} */ finding) => h("li", {}, ...findingParts(finding)));
    this.#deferred.fill(findings.length ? [h("ul", { class: "deferred" }, ...findings)] : []);
    this.#files.fill(others.map((name) => artifact(this.#key, name)));
    const list = named.map((/** @type {string} */ name) => h("li", { class: "mono", text: name }));
    this.#named.fill(list.length && !fileOf(dossier) ? [h("ul", { class: "file-list" }, ...list)] : []);
  }

  /** Reads the file again when its parts have changed; what is read stays until it is there. */
  #readWhenChanged() {
    const dossier = /** @type {Dossier} */ (this.#dossier);
    const { statement, description, criteria, tasks, change_log: log, title } = dossier;
    const name = fileOf(dossier);
    const now = JSON.stringify([name, title, statement, description, criteria, tasks, log]);
    if (now === this.#drawn) return;
    this.#drawn = now;
    if (name) void this.#load(name);
    else fill(this.#file, ...parts(dossier));
  }

  /** @param {string} name */
  async #load(name) {
    const turn = ++this.#read;
    if (!this.#file.childElementCount) fill(this.#file, h("p", { class: "empty", text: "Loading" }));
    const nodes = await catchApiError(readArtifact(this.#key, name), () =>
      parts(/** @type {Dossier} */ (this.#dossier)),
    );
    if (turn !== this.#read) return;
    const path = h("p", { class: "file-path mono soft", text: name });
    keepScrollOf(this.el, () => fill(this.#file, path, ...nodes));
  }
}

/** The name of the story's own file. @param {Dossier} dossier @returns {string | undefined} */
function fileOf({ files = [], artifacts = [] }) {
  return artifacts.find((/** @type {string} */ name) =>
    files.some((/** @type {string} */ file) => file === name || file.endsWith(`/${name}`)),
  );
}

/** @param {Dossier} dossier @returns {string[]} */
function otherFiles(dossier) {
  const own = fileOf(dossier);
  return (dossier.artifacts ?? []).filter((/** @type {string} */ name) => name !== own);
}

/** What the plan says of a story without a file. @param {Dossier} dossier @returns {Node[]} */
function parts({ statement, description, criteria = [] }) {
  const words = statement || description;
  const list = criteria.map((/** @type {string} */ one) => h("li", { dir: "auto" }, ...markdownLine(one)));
  const nodes = [
    words ? markdown(words) : null,
    list.length ? h("h3", { text: "Acceptance criteria" }) : null,
    list.length ? h("ol", { class: "criteria" }, ...list) : null,
  ].filter((node) => node !== null);
  const empty = "Nothing is written about this story yet. Its file is made when the story is started.";
  return nodes.length ? nodes : [h("p", { class: "empty", text: empty })];
}

/** @param {string} text @returns {(Node | string)[]} */
function markdownLine(text) {
  return text.includes("\n") ? [markdown(text)] : inlineMarkdown(text);
}

/** @param {string} key @param {string} name */
function artifact(key, name) {
  const load = () => readArtifact(key, name);
  return createDisclosure({
    class: "artifact",
    summary: [h("span", { class: "mono", text: name })],
    region: name,
    load,
  }).el;
}

/** @param {string} key @param {string} name @returns {Promise<Node[]>} */
async function readArtifact(key, name) {
  const { text, size, cut } = await get(
    `/api/stories/${encodeURIComponent(key)}/artifact?name=${encodeURIComponent(name)}`,
  );
  const more = cut
    ? [h("p", { class: "empty", text: `Only its beginning is shown; all of it is ${count(size)} bytes.` })]
    : [];
  return [/\.(md|markdown)$/i.test(name) ? markdown(text) : h("pre", { text }), ...more];
}

/** @param {string} title @param {string} id */
function part(title, id) {
  const content = h("div");
  const el = h(
    "section",
    { class: "part", "aria-labelledby": id, hidden: true },
    h("h3", { id, tabindex: "-1", text: title }),
    content,
  );
  return {
    el,
    /** @param {Node[]} nodes */
    fill(nodes) {
      fill(content, ...nodes);
      show(el, nodes.length > 0);
    },
  };
}
