// @ts-check
/** What needs the operator, of all runners: each item with its project and the same actions as on its Run tab. */
import { catchApiError, post } from "../kit/api.js";
import { byId, h, list, show, text } from "../kit/dom.js";
import { announce, toast } from "../kit/toast.js";
import { AttentionRow, titleOf } from "../run/attention.js";
import { attentionItems, dismiss, isDismissed } from "../run/attention-items.js";
import { NO_PLAN } from "../shell/plan.js";
import { pathOf } from "./runners.js";

/** @typedef {import("./runners.js").Runner} Runner */
/** @typedef {import("../shell/plan.js").Plan} Plan */
/** @typedef {import("../run/attention-items.js").AttentionItem & {runner: Runner}} InboxItem */

/** @param {Runner} runner @param {Plan} plan @param {boolean} offline @param {number} now @returns {InboxItem[]} */
export function itemsOf(runner, plan, offline, now) {
  if (!runner.run) return [];
  const link = { lost: offline || runner.lost !== null };
  const model = /** @type {import("../shell/model.js").Model} */ (
    /** @type {unknown} */ ({ run: runner.run, plan: plan ?? NO_PLAN, link, replaying: false })
  );
  const base = pathOf(runner.id);
  return attentionItems(model, now).map((one) => ({
    ...one,
    id: `${runner.id} ${one.id}`,
    item: { ...one.item, base },
    runner,
  }));
}

/** How many items need the operator; a wait ends by itself. @param {readonly InboxItem[]} items */
export function needed(items) {
  return items.filter(({ item, id }) => item.kind !== "waiting" && !isDismissed(id)).length;
}

export class Inbox {
  #rows = list(
    byId("inbox-list"),
    (/** @type {InboxItem} */ item) => item.id,
    (item) => new InboxRow(item, (id) => this.#dismiss(id)),
  );
  /** @type {readonly InboxItem[]} */ #items = [];
  #shown = 0;

  /** @param {readonly InboxItem[]} items */
  render(items) {
    this.#items = items;
    const open = items.filter(({ id }) => !isDismissed(id));
    if (open.length > this.#shown) announce(`Needs you: ${open[0].runner.info.project}, ${open[0].item.message}`);
    this.#shown = open.length;
    this.#rows.render(open);
    show(byId("inbox"), open.length > 0);
    text(byId("inbox-title"), titleOf(open));
  }

  /** @param {string} id */
  #dismiss(id) {
    dismiss(id);
    this.render(this.#items);
  }
}

/** An item as the Run tab shows it, with the project that it belongs to before it. */
class InboxRow {
  el;
  #row;

  /** @param {InboxItem} first @param {(id: string) => void} onDismiss */
  constructor(first, onDismiss) {
    const base = pathOf(first.runner.id);
    const resume = () => send(`${base}/api/run/resume`);
    const start = () => send(`${base}/api/run/start`);
    this.#row = new AttentionRow(first, { resume, start, dismiss: onDismiss });
    this.el = this.#row.el;
    const project = h("a", { class: "inbox-project", dir: "auto", href: `${base}/`, text: first.runner.info.project });
    this.el.prepend(project);
  }

  /** @param {InboxItem} next */
  update(next) {
    this.#row.update(next);
  }
}

/** @param {string} path */
async function send(path) {
  await catchApiError(post(path), (error) => void toast(error.message, "bad"));
}
