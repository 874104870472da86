// @ts-check
/** The commits of a story with their lines, and how the tree changed since its development began. */

import { createDisclosure } from "../kit/disclosure.js";
import { fill, h, list, show } from "../kit/dom.js";
import { clock, day, plural } from "../kit/format.js";
import { createSize, readChange } from "./diff.js";
import { createRevertForm } from "./revert-form.js";

/**
 * @typedef {{hash: string, subject: string, at: number, author: string, files_changed: number, lines_added: number,
 *   lines_removed: number}} Commit
 */
/** @typedef {{files_changed: number, lines_added: number, lines_removed: number}} Diff */

/** @param {string} key of the story */
export function createCommits(key) {
  const rows = h("div", { class: "commits" });
  const tree = h("div", { class: "commits" });
  const revert = createRevertForm(key);
  const el = h("div", { class: "git" }, rows, tree, revert);
  const commits = list(
    rows,
    (/** @type {Commit} */ commit) => commit.hash,
    (commit) => ({ el: createCommit(key, commit), update() {} }),
  );
  let drawn = "";
  return {
    el,
    /** @param {Commit[]} all @param {Diff | null} diff */
    update(all, diff) {
      commits.render(all);
      show(revert, all.length > 0);
      const now = JSON.stringify(diff);
      if (now === drawn) return;
      drawn = now;
      show(tree, Boolean(diff?.files_changed));
      if (diff?.files_changed) renderTree(diff);
    },
  };

  /**
   * An open disclosure is not drawn again while it is read; its size shows that there is more.
   * @param {Diff} diff
   */
  function renderTree(diff) {
    const summary = [
      h("span", { class: "commit-subject", text: "All that is different since its development began" }),
      sizeOf(diff),
    ];
    const old = tree.firstElementChild;
    const head = old instanceof HTMLDetailsElement && old.open ? old.querySelector("summary") : null;
    if (head) return fill(head, ...summary);
    fill(tree, createDisclosure({ class: "commit", summary, load: () => readChange(`${urlOf(key)}work`) }).el);
  }
}

/** @param {string} key @param {Commit} commit */
function createCommit(key, commit) {
  const summary = [
    h("code", { class: "hash", text: commit.hash.slice(0, 10), title: commit.hash }),
    h("span", { class: "commit-subject", text: commit.subject }),
    h("span", {
      class: "soft",
      text: `${day(commit.at)} ${clock(commit.at)}${commit.author ? ` · ${commit.author}` : ""}`,
    }),
    sizeOf(commit),
  ];
  return createDisclosure({ class: "commit", summary, load: () => readChange(`${urlOf(key)}${commit.hash}`) }).el;
}

/** @param {Diff} diff */
export function sizeOf(diff) {
  return h(
    "span",
    { class: "soft" },
    `${plural(diff.files_changed, "file")} `,
    createSize(diff.lines_added, diff.lines_removed),
  );
}

/** @param {string} key */
function urlOf(key) {
  return `/api/stories/${encodeURIComponent(key)}/changes/`;
}
