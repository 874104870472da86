// @ts-check
/** The frame around the tabs: project, state of the run in words, the connection, the track of all stories. */
import { attr, byId, h, list, show, text } from "../kit/dom.js";
import { clock, hourMinute, money, plural, shortKey, statusText } from "../kit/format.js";
import { announce } from "../kit/toast.js";
import { visible } from "../kit/visible.js";
import { attentionCount } from "../run/attention-items.js";
import { createGauges } from "../run/quota.js";
import { headline, makesPlan } from "../run/run-text.js";
import { showIcon } from "./tab-icon.js";

/** @typedef {import("./model.js").Model} Model */

/** From then on a lost connection is called offline, in ms: before, it is most often a restart. */
const OFFLINE_MS = 10_000;

/** @param {{wake: () => void, openStory: (key: string) => void}} actions */
export function createHeader(actions) {
  const track = new Track(actions.openStory);
  const gauges = createGauges(byId("quota"), true);
  byId("link").addEventListener("click", actions.wake);
  let spoken = "";

  /** @param {Model} model @param {number} now */
  function words(model, now) {
    if (!model.ready) return;
    const { text: sentence, tone } = headline(model.run, model.counts, now);
    text(byId("headline-words"), sentence);
    attr(byId("headline"), "data-tone", tone);
    const needs = attentionCount(model, now);
    const title = visible(titleOf(model, needs));
    if (document.title !== title) document.title = title;
    showIcon(signOf(model, tone, needs));
    if (sentence !== spoken && model.run.state !== "waiting") announce(sentence);
    spoken = sentence;
  }

  return {
    /** @param {Model} model @param {number} now */
    render(model, now) {
      words(model, now);
      text(byId("project-name"), model.run.project.name);
      text(byId("status-facts"), facts(model));
      track.render(model);
      gauges.render(model, now);
      renderLink(model, Date.now());
    },
    /** @param {Model} model @param {number} now */
    tick(model, now) {
      if (model.run.state === "waiting") words(model, now);
      gauges.tick(model, now);
      renderLink(model, Date.now());
    },
  };
}

/**
 * @param {Model} model
 * @param {import("../run/run-text.js").Tone} tone
 * @param {number} needs items that need the operator
 * @returns {import("./tab-icon.js").Sign}
 */
function signOf({ run, link }, tone, needs) {
  if (link.lost) return "offline";
  return needs && run.state !== "idle" ? "need" : tone;
}

/** The title of the browser's tab: what needs the operator, the state, the progress. @param {Model} model @param {number} needs */
function titleOf({ run, counts, link }, needs) {
  const name = run.project.name || "Sprint Runner";
  if (link.lost) return `Offline · ${name}`;
  const marks = { running: "▶", pausing: "▶", stopping: "▶", starting: "▶", paused: "‖", waiting: "‖", idle: "" };
  return [needs ? `(${needs})` : "", marks[run.state], counts.total ? `${counts.done}/${counts.total}` : "", name]
    .filter(Boolean)
    .join(" ");
}

/** @param {Model} model */
function facts({ run, ready, counts }) {
  if (!ready) return "";
  const { batch, agent } = run;
  const name = batch?.agent || agent.name;
  const version = name === agent.name ? agent.version?.split(" (")[0] : ""; // of another one it is not known
  const who = [name, version].filter(Boolean).join(" ");
  if (run.state === "idle" && !batch && counts.unplanned) return "The project has epics and no sprint status file.";
  if (run.state === "idle" && !batch) {
    const work = `Takes the stories in order and has ${who || "the agent"} write, review and commit each one.`;
    return `${work} Nothing runs before you press Start.`;
  }
  const size =
    batch && (batch.label || (batch.max_cycles === "all" ? "all stories" : plural(batch.max_cycles, "group")));
  const when =
    batch && (batch.ended_at ? `ended ${hourMinute(batch.ended_at)}` : `started ${hourMinute(batch.started_at)}`);
  const next =
    run.state === "idle" && batch?.status === "stopped" && !makesPlan(batch) ? "Start continues at the same place" : "";
  const budget = batch?.budget_usd ? `budget ${money(batch.budget_usd)}` : "";
  return [
    batch && `Batch ${batch.id}`,
    size,
    when,
    who && `agent ${who}`,
    batch?.workflow && `workflow ${batch.workflow}`,
    budget,
    next,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {Model} model @param {number} now */
function renderLink({ link, lastMessageAt }, now) {
  const button = byId("link");
  attr(button, "data-kind", link.lost ? "waiting" : link.kind);
  text(byId("link-words"), linkText(link, now));
  attr(button, "title", link.lost ? "Try now" : "The line to the server");
  const old = link.lost && (lastMessageAt > 0 || link.gone === true);
  attr(document.documentElement, "data-old", old);
  show(byId("old-note"), old);
  show(byId("old-back"), link.gone === true);
  if (old) text(byId("old-words"), oldWords(link, lastMessageAt));
}

/** @param {import("./socket.js").Link} link @param {number} lastMessageAt */
function oldWords({ gone }, lastMessageAt) {
  const what = gone ? "This runner is not running any more." : "Not connected.";
  return lastMessageAt ? `${what} What you see is as of ${clock(lastMessageAt)} and may be old.` : what;
}

/** @param {import("./socket.js").Link} link @param {number} now */
export function linkText(link, now) {
  if (link.kind === "live") return "Live";
  const wait = link.retryAt === null ? 0 : Math.max(0, Math.ceil((link.retryAt - now) / 1000));
  const next = wait ? `reconnecting in ${wait} s` : "reconnecting";
  if (!link.lost) return "Connecting";
  if (link.gone) return "Not running";
  if (now - link.since < OFFLINE_MS) return `${next[0].toUpperCase()}${next.slice(1)}`;
  return `Offline since ${hourMinute(link.since, now)}, ${next}`;
}

/**
 * @typedef {{key: string, epic: string | null, title: string, status: string, live: boolean, first: boolean}} Segment
 *   a story in the track of all stories; `first` of its epic
 */

class Track {
  #root = byId("track");
  #segments = list(this.#root, (/** @type {Segment} */ segment) => segment.key, createSegment);
  /** What the last drawing was made from. @type {unknown[]} */ #drawn = [];

  /** @param {(key: string) => void} openStory */
  constructor(openStory) {
    this.#root.addEventListener("click", ({ target }) => {
      const key = target instanceof HTMLElement ? target.dataset.key : undefined;
      if (key) openStory(key);
    });
  }

  /** @param {Model} model */
  render({ plan, run, counts }) {
    const ids = run.operations.map((operation) => operation.command_id).join();
    if (this.#drawn[0] === plan && this.#drawn[1] === ids) return;
    this.#drawn = [plan, ids];
    const foreground = run.operations.filter((operation) => !operation.background);
    const live = new Set(foreground.flatMap((operation) => operation.story_keys));
    this.#segments.render(plan.stories.map((story, index) => segmentOf(story, plan.stories[index - 1], live)));
    const blocked = counts.blocked ? `, ${counts.blocked} blocked` : "";
    attr(this.#root, "aria-label", `${counts.done} of ${plural(counts.total, "story", "stories")} done${blocked}`);
  }
}

/**
 * @param {import("./plan.js").PlanStory} story
 * @param {import("./plan.js").PlanStory | undefined} before
 * @param {Set<string>} live
 * @returns {Segment}
 */
function segmentOf({ key, epic, title, status }, before, live) {
  const first = before !== undefined && before.epic !== epic;
  return { key, epic, title: title || key, status, live: live.has(key), first };
}

/** @param {Segment} segment */
function createSegment(segment) {
  const el = h("i", { "data-key": segment.key });
  return {
    el,
    /** @param {Segment} next */
    update(next) {
      attr(el, "data-status", next.status);
      attr(el, "data-live", next.live);
      attr(el, "title", `${shortKey(next.key)} ${next.title}: ${statusText(next.status)}`);
      attr(el, "class", next.first ? "epic-first" : null);
    },
  };
}
