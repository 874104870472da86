// @ts-check
/**
 * What needs the operator, on top of everything, each with the one thing to do about it: answer, set back, try now.
 * What is settled goes away by itself; what only informs can be put away, and stays away on this browser.
 */
import { ApiError, post, put } from "../kit/api.js";
import { attr, byId, h, icon, list, show, text } from "../kit/dom.js";
import { clock, hourMinute, remaining, shortKey } from "../kit/format.js";
import { readStoredList, writeStored } from "../kit/storage.js";
import { announce, toast } from "../kit/toast.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../state.js").Attention} Attention */
/**
 * @typedef {{id: string, item: Attention, lasting: boolean, act: "answer" | "unblock" | "resume" | "try" | "", words:
 *   string}} AttentionItem
 */

/** Most calls that are remembered as put away. */
const PUT_AWAY_MOST = 200;
/** @type {Record<string, string>} */
const GLYPHS = { question: "ask", blocked: "blocked", waiting: "clock" };

/** @param {{resume: () => unknown}} actions @returns {import("./run.js").Part} */
export function createAttention(actions) {
  /** @type {unknown[]} */
  let last = [];
  let known = 0;
  /** @type {Set<string>} */
  const away = new Set(readStoredList("put-away"));
  /** @type {Model | null} */
  let shown = null;
  const doing = { ...actions, putAway };
  const rows = list(
    byId("attention-list"),
    (/** @type {AttentionItem} */ need) => need.id,
    (need) => createNeed(need, doing),
  );

  /** @param {string} id */
  function putAway(id) {
    away.add(id);
    writeStored("put-away", JSON.stringify([...away].slice(-PUT_AWAY_MOST)));
    last = [];
    if (shown) draw(shown, Date.now());
  }

  /** @param {Model} model @param {number} now */
  function draw(model, now) {
    const { run, plan, link } = model;
    shown = model;
    const seen = [run.attention, run.agent, plan, run.problem, run.state, run.until, link.lost];
    if (seen.every((value, index) => value === last[index])) return;
    last = seen;
    const needs = attentionItems(model, now).filter((need) => !away.has(need.id));
    if (needs.length > known) announce(`Needs you: ${needs[0].item.message}`);
    known = needs.length;
    rows.render(needs);
    show(byId("attention"), needs.length > 0);
    text(byId("attention-title"), titleOf(needs));
  }

  return {
    render: draw,
    tick(model, now) {
      if (model.run.state === "waiting") for (const view of rows.views()) view.tick(model.run.until, now);
    },
  };
}

/** @param {AttentionItem[]} needs */
function titleOf(needs) {
  if (needs.every(({ item }) => item.kind === "waiting")) return "Waiting";
  return needs.length > 1 ? `Needs you (${needs.length})` : "Needs you";
}

/** Newest first; what lasts stands on top. @param {Model} model @param {number} now @returns {AttentionItem[]} */
export function attentionItems({ run, plan, link, replaying }, now) {
  const reachable = !link.lost && !replaying;
  const lasting = [run.problem, run.agent.problem, plan.error].flatMap((message) =>
    message ? [standing("problem", message)] : [],
  );
  if (run.state === "waiting")
    lasting.unshift({
      ...standing(
        "waiting",
        run.reason === "unreachable"
          ? "The agent cannot reach its service."
          : "The usage limit of the agent is reached.",
      ),
      words: waitText(run.until, now),
      act: reachable ? "try" : "",
    });
  const calls = run.attention
    .filter((item) => !isSettled(item, plan))
    .map((item) => ({
      id: `${item.at} ${item.kind} ${item.command_id ?? item.message}`,
      item,
      lasting: false,
      words: "",
      act: reachable ? actOf(item, run, plan) : "",
    }));
  return /** @type {AttentionItem[]} */ ([...lasting, ...calls.reverse()]);
}

/**
 * What is wrong as long as it lasts, whatever the run does.
 * @param {string} kind
 * @param {string} message
 * @returns {AttentionItem}
 */
function standing(kind, message) {
  return {
    id: `${kind} ${message}`,
    item: { kind, message, story_key: null, command_id: null, at: 0 },
    lasting: true,
    act: "",
    words: "",
  };
}

/**
 * A story that was blocked and no longer is needs nobody.
 * @param {Attention} item
 * @param {import("../shell/plan.js").Plan} plan
 */
function isSettled(item, plan) {
  const story = item.story_key ? plan.byKey.get(item.story_key) : undefined;
  return item.kind === "blocked" && story !== undefined && story.status !== "blocked";
}

/**
 * @param {Attention} item
 * @param {import("../state.js").RunState} run
 * @param {import("../shell/plan.js").Plan} plan
 * @returns {AttentionItem["act"]}
 */
function actOf(item, run, plan) {
  if (item.kind === "question" && item.command_id !== null) return "answer";
  if (
    item.kind === "blocked" &&
    plan.byKey.get(item.story_key ?? "")?.status === "blocked" &&
    plan.sprint?.project.writable !== false
  )
    return "unblock";
  return item.kind === "budget" && run.state === "paused" && run.reason === "budget" ? "resume" : "";
}

/** @param {number | null} until @param {number} now */
function waitText(until, now) {
  if (!until) return "The run tries again by itself.";
  return `It goes on by itself at ${hourMinute(until, now)} (${remaining(until, now)}).`;
}

/**
 * @param {AttentionItem} first
 * @param {{resume: () => unknown, putAway: (id: string) => void}} doing
 */
function createNeed(first, doing) {
  const { item } = first;
  const story = {
    class: "key",
    href: `#run?story=${encodeURIComponent(item.story_key ?? "")}`,
    text: shortKey(item.story_key ?? ""),
  };
  const words = h("p", { class: "need-words" });
  const act = h("button", {
    type: "button",
    class: "button small",
    hidden: true,
    on: { click: () => perform(first, act, doing) },
  });
  const away = h(
    "button",
    {
      type: "button",
      class: "ghost",
      "aria-label": `Put away: ${item.message}`,
      title: "Put away",
      on: { click: () => doing.putAway(first.id) },
    },
    icon("cross"),
  );
  const form = item.kind === "question" && item.command_id !== null ? createAnswer(first) : null;
  const el = h(
    "li",
    { "data-kind": item.kind },
    icon(GLYPHS[item.kind] ?? "alert"),
    item.story_key && h("a", story),
    h("div", { class: "need" }, h("p", { text: item.message }), words, form?.el),
    act,
    h("time", { text: item.at ? clock(item.at) : "" }),
    !first.lasting && away,
  );
  return {
    el,
    /** @param {AttentionItem} need */
    update(need) {
      text(words, need.words);
      text(
        act,
        {
          unblock: "Set back to Ready for dev",
          resume: "Go on replaying the budget",
          try: "Try now",
          answer: "",
          "": "",
        }[need.act],
      );
      show(act, Boolean(act.textContent));
      if (form) show(form.el, need.act === "answer");
    },
    /** @param {number | null} until @param {number} now */
    tick(until, now) {
      if (item.kind === "waiting") text(words, waitText(until, now));
    },
  };
}

/** @param {AttentionItem} need @param {HTMLElement} button @param {{resume: () => unknown}} doing */
async function perform(need, button, doing) {
  if (need.item.kind !== "blocked") return void doing.resume();
  const key = need.item.story_key ?? "";
  await busy(button, async () => {
    await put(`/api/stories/${encodeURIComponent(key)}/status`, { status: "ready-for-dev", expected: "blocked" });
    toast(`${shortKey(key)} is Ready for dev again; the run takes it up when its turn comes.`, "good");
  });
}

/** A question of an agent, answered in place; the event that tells of the answer takes it away. @param {AttentionItem} need */
function createAnswer(need) {
  const id = `answer-${need.item.command_id}-${need.item.at}`;
  const field = h("textarea", { id, rows: 2, required: true, placeholder: "Your answer" });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const send = h("button", { type: "submit", class: "button small primary", text: "Send answer" });
  const el = h(
    "form",
    { class: "answer", novalidate: true },
    h("label", { class: "unseen", for: id, text: `Answer to: ${need.item.message}` }),
    field,
    send,
    wrong,
  );
  el.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = field.value.trim();
    show(wrong, !answer);
    text(wrong, answer ? "" : "Write an answer first.");
    attr(field, "aria-invalid", answer ? null : "true");
    if (!answer) return field.focus();
    await busy(send, async () => {
      await post("/api/run/answer", { command_id: need.item.command_id, text: answer });
      toast("Answered; the agent goes on.", "good");
    });
  });
  return { el };
}

/** One request at a time; a refusal is said. @param {HTMLElement} button @param {() => Promise<void>} work */
async function busy(button, work) {
  if (button.getAttribute("aria-disabled")) return;
  attr(button, "aria-disabled", "true");
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, "bad");
  } finally {
    attr(button, "aria-disabled", null);
  }
}
