// @ts-check
/**
 * The sections of the dossier. A section is drawn again only when its content has changed, so that nothing moves while
 * it is read.
 */

import { findingParts } from "../board/deferred.js";
import { factRows } from "../board/plan-facts.js";
import { get } from "../kit/api.js";
import { commentRows } from "../kit/comment-list.js";
import { createCostLines } from "../kit/cost-lines.js";
import { createDisclosure } from "../kit/disclosure.js";
import { fill, h, icon, show } from "../kit/dom.js";
import { clock, count, day, duration, plural } from "../kit/format.js";
import { takeOverRows } from "../kit/takeover.js";
import { createStoryPreview } from "../preview/story-preview.js";
import { createCommits, sizeOf } from "./commits.js";
import { drawDeliveries } from "./deliveries.js";
import { readChange } from "./diff.js";
import { createHints } from "./hints.js";
import { inlineMarkdown } from "./inline-markdown.js";
import { createReceipt } from "./receipt.js";
import { createReviews } from "./reviews.js";
import { createStoryCommands } from "./story-commands.js";

/** @typedef {Record<string, any>} Dossier the answer of `GET /api/stories/{key}` */
/** @typedef {{name: string, el: HTMLElement, update: (dossier: Dossier) => void}} Section */

/** The mark of each tone. @type {Record<string, string>} */
const MARKS = { good: "check", info: "clock", warn: "alert", bad: "cross" };

/**
 * @param {string} key
 * @returns {{el: HTMLElement, nav: HTMLElement, update: (dossier: Dossier) => void,
 *   open: (command: number) => boolean}}
 */
export function createDossierSections(key) {
  const commands = createStoryCommands();
  const sections = createSections(key, commands);
  const links = sections.map(link);
  const nav = h("nav", { class: "dossier-nav", "aria-label": "Parts of the dossier" }, ...links);
  const empty = h("p", {
    class: "empty",
    text: "Nothing is written about this story yet. Its file is made when the story is started.",
  });
  return {
    el: h("div", { class: "dossier-body" }, empty, ...sections.map((section) => section.el)),
    nav,
    open: commands.open,
    update(dossier) {
      for (const section of sections) section.update(dossier);
      for (const [index, section] of sections.entries()) show(links[index], !section.el.hidden);
      const visible = sections.filter((section) => !section.el.hidden).length;
      show(empty, visible === 2); // the hints and the preview are always there
      show(nav, visible > 3);
    },
  };
}

/** @param {string} key @param {ReturnType<typeof createStoryCommands>} commands @returns {Section[]} */
function createSections(key, commands) {
  const reviews = createReviews(commands.open);
  const commits = createCommits(key);
  const hints = createHints(key, commands.open);
  const receipt = createReceipt(key);
  const cost = createCostLines(() => `/api/stories/${encodeURIComponent(key)}/cost`, "stories");
  const files = (/** @type {Dossier} */ dossier) => filesOf(key, dossier);
  return [
    drawn("Evidence", "What the status rests on", (d) => [d.evidence, d.problems, d.checks], evidence),
    drawn(
      "Yours",
      "In your hands",
      (d) => d.by_hand,
      (d) => takenOver(key, d),
    ),
    kept("Hints", "Hints for its next command", hints.el, hints.update),
    drawn("Comments", "Sent back at a gate", (d) => d.sent_back, sentBack),
    kept("Preview", "What would be sent", createStoryPreview(key).el, () => 1),
    drawn("Story", "Story", (d) => [d.statement, d.description], statement),
    drawn("Plan", "In the plan", (d) => d.plan, planFacts),
    drawn("Criteria", "Acceptance criteria", (d) => d.criteria, criteria),
    drawn("Tasks", "Tasks", (d) => d.tasks, tasks),
    kept("Reviews", "Reviews", reviews.el, ({ reviews: all = [] }) => {
      reviews.update(all);
      return all.length;
    }),
    kept("Commands", "Commands", commands.el, ({ commands: all }) => {
      commands.update(all);
      return all.length;
    }),
    kept("Cost", "Cost", cost.el, ({ commands: all }) => {
      cost.reload();
      return all.length;
    }),
    kept("Commits", "Commits and changes", commits.el, ({ commits: all, diff }) => {
      commits.update(all, diff);
      return all.length + (diff?.files_changed ?? 0);
    }),
    drawn("Delivery", "Where it was delivered", (d) => d.deliveries, drawDeliveries),
    kept("Receipt", "Receipt of its commit", receipt.el, receipt.update),
    drawn("Deferred", "Put off by its builds", (d) => d.deferred, deferred),
    drawn("Files", "Files", (d) => [d.artifacts, d.file_list], files),
    drawn("Log", "Change log", (d) => d.change_log, changeLog),
  ];
}

/** @param {Section} section */
function link(section) {
  const go = () => {
    section.el.scrollIntoView({ block: "start" });
    section.el.querySelector("h3")?.focus({ preventScroll: true });
  };
  return h("button", { type: "button", class: "plain", text: section.name, on: { click: go } });
}

/**
 * A section that is drawn again when its part of the dossier has changed; a section without content is hidden.
 * @param {string} name short, for the navigation
 * @param {string} title
 * @param {(dossier: Dossier) => unknown} part
 * @param {(dossier: Dossier) => Node[]} draw
 * @returns {Section}
 */
function drawn(name, title, part, draw) {
  const content = h("div");
  let before = "";
  return kept(name, title, content, (dossier) => {
    const now = JSON.stringify(part(dossier) ?? null);
    if (now !== before) fill(content, ...draw(dossier));
    before = now;
    return content.childElementCount;
  });
}

/**
 * A section whose content updates itself.
 * @param {string} name
 * @param {string} title
 * @param {HTMLElement} content
 * @param {(dossier: Dossier) => number} update returns how many items it shows
 * @returns {Section}
 */
function kept(name, title, content, update) {
  const head = h("h3", { id: `dossier-${name.toLowerCase()}`, tabindex: "-1", text: title });
  const el = h("section", { class: "part", "aria-labelledby": head.id }, head, content);
  el.hidden = true;
  return { name, el, update: (dossier) => show(el, update(dossier) > 0) };
}

/** @param {Dossier} dossier @returns {Node[]} */
function evidence({ evidence: all, problems, checks }) {
  const rows = (all ?? []).map((/** @type {{tone: string, text: string}} */ one) =>
    h("li", { "data-tone": one.tone }, icon(MARKS[one.tone]), h("span", {}, ...inlineMarkdown(one.text))),
  );
  const odd = (problems ?? []).map((/** @type {string} */ words) =>
    h("li", { "data-tone": "warn" }, icon("alert"), h("span", { text: `In its file: ${words}` })),
  );
  const runs = (checks ?? []).map(createCheck);
  const list = rows.length + odd.length ? [h("ul", { class: "evidence" }, ...rows, ...odd)] : [];
  return runs.length ? [...list, h("div", { class: "checks" }, ...runs)] : list;
}

/** @param {any} check a run of the project's own check */
function createCheck(check) {
  const result = check.ok ? "passed" : check.exit_code === null ? "took too long" : `ended with ${check.exit_code}`;
  const words = h(
    "summary",
    {},
    icon(check.ok ? "check" : "cross"),
    h("code", { text: check.command }),
    ` ${result}`,
    h("span", { class: "soft", text: ` · ${day(check.at)} ${clock(check.at)} · ${duration(check.duration_ms)}` }),
  );
  return h(
    "details",
    { class: "answer", "data-tone": check.ok ? "good" : "bad" },
    words,
    h("pre", { text: check.tail || "It printed nothing." }),
  );
}

/** @param {Dossier} dossier @returns {Node[]} */
function sentBack({ sent_back: all = [] }) {
  const rows = commentRows(all);
  return rows.length ? [h("ul", { class: "evidence" }, ...rows)] : [];
}

/** @param {string} key @param {Dossier} dossier @returns {Node[]} */
function takenOver(key, { by_hand: all = [] }) {
  const change = (/** @type {any} */ one) => {
    const when = `${day(one.returned_at)} ${clock(one.returned_at)}`;
    const words = h("span", { class: "commit-subject", text: "Your change by hand" });
    const summary = [words, h("span", { class: "soft", text: when }), sizeOf(one)];
    const url = `/api/stories/${encodeURIComponent(key)}/changes/${one.diff}`;
    return createDisclosure({ class: "commit", summary, load: () => readChange(url) }).el;
  };
  return all.length ? [h("ul", {}, ...takeOverRows(all, change))] : [];
}

/** @param {Dossier} dossier @returns {Node[]} */
function statement(dossier) {
  const words = dossier.statement || dossier.description;
  return words ? [h("p", { class: "statement" }, ...inlineMarkdown(words))] : [];
}

/** @param {Dossier} dossier @returns {Node[]} */
function planFacts({ plan }) {
  const rows = factRows(plan ?? {});
  const list = h(
    "dl",
    { class: "plan-facts" },
    ...rows.flatMap(([name, value]) => [h("dt", { text: name }), h("dd", { text: value })]),
  );
  return rows.length ? [list] : [];
}

/** @param {Dossier} dossier @returns {Node[]} */
function deferred({ deferred: all }) {
  if (!all?.length) return [];
  const items = all.map((/** @type {import("../board/deferred.js").Finding} */ finding) =>
    h("li", {}, ...findingParts(finding)),
  );
  return [h("ul", { class: "deferred" }, ...items)];
}

/** @param {Dossier} dossier @returns {Node[]} */
function criteria(dossier) {
  return dossier.criteria?.length
    ? [
        h(
          "ol",
          { class: "criteria" },
          ...dossier.criteria.map((/** @type {string} */ words) => h("li", {}, ...inlineMarkdown(words))),
        ),
      ]
    : [];
}

/** @param {Dossier} dossier @returns {Node[]} */
function tasks({ tasks: all }) {
  if (!all?.length) return [];
  const done = all.filter((/** @type {any} */ task) => task.done).length;
  const items = all.map((/** @type {any} */ task) => {
    const el = h(
      "li",
      { "data-done": Boolean(task.done) },
      h("span", { class: "box", "aria-hidden": "true" }, task.done ? icon("check") : null),
      h("span", { class: "unseen", text: task.done ? "done: " : "open: " }),
      h("span", {}, ...inlineMarkdown(task.text)),
    );
    el.style.setProperty("--depth", String(task.depth ?? 0));
    return el;
  });
  return [
    h("p", { class: "soft", text: `${done} of ${plural(all.length, "task")} ticked` }),
    h("ul", { class: "tasks" }, ...items),
  ];
}

/** @param {string} key @param {Dossier} dossier @returns {Node[]} */
function filesOf(key, { artifacts, file_list: named }) {
  const folds = (artifacts ?? []).map(
    (/** @type {string} */ name) =>
      createDisclosure({
        class: "artifact",
        summary: [h("span", { class: "mono", text: name })],
        region: name,
        load: () => readArtifact(key, name),
      }).el,
  );
  const rest = (named ?? []).length
    ? [
        h("h4", { text: "Named by the agent as changed" }),
        h(
          "ul",
          { class: "file-list" },
          ...named.map((/** @type {string} */ name) => h("li", { class: "mono", text: name })),
        ),
      ]
    : [];
  return [...folds, ...rest];
}

/** @param {string} key @param {string} name @returns {Promise<Node[]>} */
async function readArtifact(key, name) {
  const {
    text: words,
    size,
    cut,
  } = await get(`/api/stories/${encodeURIComponent(key)}/artifact?name=${encodeURIComponent(name)}`);
  const more = cut
    ? [h("p", { class: "empty", text: `Only its beginning is shown; all of it is ${count(size)} bytes.` })]
    : [];
  return [h("pre", { text: words }), ...more];
}

/** @param {Dossier} dossier @returns {Node[]} */
function changeLog({ change_log: all }) {
  return all?.length
    ? [
        h(
          "ul",
          { class: "change-log" },
          ...all.map((/** @type {string} */ words) => h("li", {}, ...inlineMarkdown(words))),
        ),
      ]
    : [];
}
