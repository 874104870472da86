// @ts-check
/**
 * What needs the operator, at the top of the Run tab, each item with its action: answer, set back, try now. A settled
 * item is removed; an item that only informs can be dismissed, for this browser.
 */
import { catchApiError, post } from "../kit/api.js";
import { attr, byId, h, icon, list, show, text } from "../kit/dom.js";
import { clock, shortCommand, shortKey } from "../kit/format.js";
import { HintForm } from "../kit/hint-form.js";
import { serverNow } from "../kit/server-clock.js";
import { askSkip } from "../kit/skip-dialog.js";
import { createTakeOver, takeOver } from "../kit/takeover.js";
import { announce, toast } from "../kit/toast.js";
import { dismiss, openItems, waitText } from "./attention-items.js";
import { createDeliveryForm } from "./delivery-form.js";
import { createGateForm } from "./gate-form.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../state.js").Attention} Attention */
/** @typedef {import("./attention-items.js").AttentionItem} AttentionItem */

/** @type {Record<string, string>} */
const GLYPHS = { question: "ask", gate: "ask", blocked: "blocked", waiting: "clock" };

/** @typedef {{resume: () => unknown, start: () => unknown}} RunActions */

/** @param {RunActions} actions @returns {import("./run.js").Part} */
export function createAttention(actions) {
  return new AttentionList(actions);
}

class AttentionList {
  #rows;
  /** How many items were shown last. */
  #shown = 0;
  /** The items of the last drawing. @type {AttentionItem[] | null} */ #drawn = null;
  /** @type {Model | null} */ #model = null;

  /** @param {RunActions} actions */
  constructor(actions) {
    const onDismiss = (/** @type {string} */ id) => this.#dismiss(id);
    this.#rows = list(
      byId("attention-list"),
      (/** @type {AttentionItem} */ item) => item.id,
      (item) => new AttentionRow(item, { ...actions, dismiss: onDismiss }),
    );
  }

  /** @param {Model} model @param {number} now */
  render(model, now) {
    this.#model = model;
    const items = openItems(model, now);
    if (items === this.#drawn) return;
    this.#drawn = items;
    this.#draw(items);
  }

  /** @param {Model} model @param {number} now */
  tick({ run }, now) {
    if (run.state === "waiting") for (const row of this.#rows.views()) row.tick(run.until, now);
  }

  /** @param {AttentionItem[]} items */
  #draw(items) {
    if (items.length > this.#shown) announce(`Needs you: ${items[0].item.message}`);
    this.#shown = items.length;
    this.#rows.render(items);
    show(byId("attention"), items.length > 0);
    text(byId("attention-title"), titleOf(items));
  }

  /** @param {string} id */
  #dismiss(id) {
    dismiss(id);
    if (this.#model) this.render(this.#model, serverNow());
  }
}

/** The heading of items; a wait ends by itself and needs no operator. @param {readonly AttentionItem[]} items */
export function titleOf(items) {
  const count = items.filter(({ item }) => item.kind !== "waiting").length;
  if (!count) return "Waiting";
  return count > 1 ? `Needs you (${count})` : "Needs you";
}

/** The labels of the actions. @type {Record<AttentionItem["act"], string>} */
const LABELS = {
  unblock: "",
  resume: "Try again",
  start: "Start again",
  try: "Try now",
  answer: "",
  decide: "",
  take: "",
  "": "",
};

export class AttentionRow {
  el;
  #item;
  /** @type {AttentionItem["act"]} */ #act = "";
  #words = h("p", { class: "attention-words" });
  #action = h("button", { type: "button", class: "button small", hidden: true, "data-verb": true });
  /** @type {HTMLElement | null} */ #form;

  /** @param {AttentionItem} first @param {RunActions & {dismiss: (id: string) => void}} actions */
  constructor(first, { dismiss, ...actions }) {
    const { id, item, lasting } = first;
    this.#item = item;
    this.#form = formOf(item);
    this.#action.addEventListener("click", () => (this.#act === "start" ? actions.start() : actions.resume()));
    const message = h("p", { text: shownMessage(item) });
    this.el = h(
      "li",
      { "data-kind": item.kind },
      icon(GLYPHS[item.kind] ?? "alert"),
      item.story_key && storyLink(item.story_key, item.base),
      h("div", { class: "attention-item" }, message, this.#words, this.#form),
      this.#action,
      h("time", { text: item.at ? clock(item.at) : "" }),
      !lasting && dismissButton(item, () => dismiss(id)),
    );
  }

  /** @param {AttentionItem} next */
  update({ words, act }) {
    this.#act = act;
    text(this.#words, words);
    text(this.#action, LABELS[act]);
    show(this.#action, LABELS[act] !== "");
    if (this.#form) show(this.#form, act === "answer" || act === "decide" || act === "unblock" || act === "take");
  }

  /** @param {number | null} until @param {number} now */
  tick(until, now) {
    if (this.#item.kind === "waiting") text(this.#words, waitText(until, now));
  }
}

/** The message without the story's key, which stands beside it. @param {Attention} item */
export function shownMessage({ message, story_key: key }) {
  if (!key || !message.startsWith(key)) return message;
  const rest = message.slice(key.length);
  const [, asks, question] = rest.match(/^, (\S+) asks: (.*)$/s) ?? [];
  return asks ? `${shortCommand(asks)} asks: ${question}` : message.replace(`${key} is blocked: `, "Blocked: ");
}

/** @param {string} key @param {string} [base] of its runner, where the page shows several */
function storyLink(key, base) {
  const page = base === undefined ? "" : `${base}/`;
  return h("a", { class: "key", href: `${page}#run?story=${encodeURIComponent(key)}`, text: shortKey(key) });
}

/** @param {Attention} item @param {() => void} dismiss */
function dismissButton({ message }, dismiss) {
  const label = { "aria-label": `Dismiss: ${message}`, title: "Dismiss" };
  return h("button", { type: "button", class: "ghost", ...label, on: { click: dismiss } }, icon("cross"));
}

/** What an item is answered with, if it asks. @param {Attention} item */
function formOf(item) {
  if (item.kind === "gate" && item.gate_id) return createGateForm(item);
  const taken = /** @type {any} */ (item).takeover;
  if (taken) return createTakeOver(taken, item.base).el;
  if (item.delivery_id) return createDeliveryForm(item.delivery_id, item.decisions ?? [], item.base);
  if (item.kind === "blocked" && item.story_key) return createRetry(item.story_key, item.base);
  return item.kind === "question" && item.command_id !== null ? createAnswerForm(item) : null;
}

/** The form for another try of a blocked story. @param {string} key @param {string} [base] of its runner */
function createRetry(key, base) {
  const form = new HintForm(key, base);
  form.update(true);
  const skip = h("button", {
    type: "button",
    class: "button small",
    text: "Skip…",
    on: { click: () => askSkip(key, base) },
  });
  const open = h("button", { type: "button", "data-verb": true, class: "button small", text: "Open in my terminal" });
  open.addEventListener("click", () => takeOver(key, base));
  const hint = h("button", { type: "button", class: "button small", text: "Add a hint", "aria-expanded": "false" });
  hint.addEventListener("click", () => {
    hint.setAttribute("aria-expanded", "true");
    form.el.querySelector("textarea")?.focus();
  });
  form.el.classList.add("retry");
  form.el.append(hint, open, skip);
  return form.el;
}

/**
 * The form for the answer to an agent's question, with a button for each option that it names; the event of the answer
 * removes it.
 * @param {Attention} item
 */
function createAnswerForm({ command_id, at, message, options = [], base }) {
  const id = `answer-${command_id}-${at}`;
  const field = h("textarea", {
    id,
    rows: 2,
    required: true,
    placeholder: options.length ? "Another answer" : "Your answer",
  });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const kind = options.length ? "button small" : "button small primary";
  const send = h("button", { type: "submit", class: kind, text: "Send answer" });
  const choices = options.map((option) => {
    const button = h("button", { type: "button", class: "button small primary", dir: "auto", text: option });
    button.addEventListener("click", () => whileBusy(button, () => sendAnswer(base, command_id, option)));
    return button;
  });
  const label = h("label", { class: "unseen", for: id, text: `Answer to: ${message}` });
  const row =
    choices.length > 0 && h("div", { class: "answer-options", role: "group", "aria-label": "Answers" }, ...choices);
  const form = h("form", { class: "answer", novalidate: true, "data-verb": true }, row, label, field, send, wrong);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = field.value.trim();
    show(wrong, !answer);
    text(wrong, answer ? "" : "Write an answer first.");
    attr(field, "aria-invalid", answer ? null : "true");
    if (answer) await whileBusy(send, () => sendAnswer(base, command_id, answer));
    else field.focus();
  });
  return form;
}

/** @param {string | undefined} base of the runner @param {number | null} command @param {string} answer */
async function sendAnswer(base, command, answer) {
  await post(`${base ?? ""}/api/run/answer`, { command_id: command, text: answer });
  toast("Answered; the agent continues.", "good");
}

/** Runs one request at a time and shows a refusal. @param {HTMLElement} button @param {() => Promise<void>} work */
async function whileBusy(button, work) {
  if (button.getAttribute("aria-disabled")) return;
  attr(button, "aria-disabled", "true");
  const request = work().finally(() => attr(button, "aria-disabled", null));
  await catchApiError(request, (error) => void toast(error.message, "bad"));
}
