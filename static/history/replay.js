// @ts-check
/**
 * Replay of a past batch: the same views, shown the state of an earlier moment, and a bar to move through time. The
 * address names batch and moment, so that a moment can be shared.
 */
import { ApiError, events as fetchEvents } from "../kit/api.js";
import { attr, byId, setIcon, show, text } from "../kit/dom.js";
import { clock, count, day } from "../kit/format.js";
import { recall } from "../kit/storage.js";
import { toast } from "../kit/toast.js";
import { toLine } from "../run/log-line.js";
import { overlay } from "../shell/plan.js";
import { Film } from "./recording.js";

/** @typedef {import("../shell/app.js").Model} Model */
/** @typedef {import("../run/log-line.js").Line} Line */

/** Events fetched at once; the most that the server gives. */
const PAGE = 10_000;
/** A quiet time that would last longer than this on the screen is cut short, in ms. */
const QUIET_MS = 2_000;
/** What is left of a quiet time that was cut short, in ms on the screen. */
const BREATH_MS = 200;
/** As fast as possible: time of a frame spent on going on, in ms, and events between two looks at the clock. */
const FRAME_MS = 8;
const STRIDE = 50;
/** How long the replay rests before the address follows it, in ms. */
const REST_MS = 300;

export class Replay {
  /** @type {Film | null} */ #film = null;
  /** @type {Line[]} */ #lines = [];
  /** @type {{live: Model, index: number, model: Model} | null} */ #made = null;
  #slider = /** @type {HTMLInputElement} */ (byId("replay-place"));
  #speed = /** @type {HTMLSelectElement} */ (byId("replay-speed"));
  #named = named();
  #rest = 0;
  #turn = 0;
  #index = 0;
  #time = 0;
  #drawn = 0;
  #playing = false;
  /** The batch that is replayed. */
  id = 0;

  /** @param {{current: () => Model, onFrame: () => void, onLines: (lines: Line[] | null) => void}} page */
  constructor(page) {
    this.page = page;
    byId("replay-play").addEventListener("click", () => this.toggle());
    byId("replay-close").addEventListener("click", () => this.close());
    byId("replay-back").addEventListener("click", () => this.#jump(-1));
    byId("replay-on").addEventListener("click", () => this.#jump(1));
    this.#slider.addEventListener("input", () => this.#dragged());
    this.#speed.addEventListener("change", () => (this.#drawn = performance.now()));
    addEventListener("keydown", (event) => this.#key(event));
  }

  get active() {
    return this.#film !== null;
  }

  /** What time it is for the views, in ms. */
  get now() {
    return this.#film ? this.#time : Date.now();
  }

  /**
   * @param {number} id of a batch
   * @param {number} [seq] the moment to begin at, resting; otherwise it plays from the start
   */
  async open(id, seq) {
    const turn = ++this.#turn;
    try {
      const events = await readAll(id, (count) => tellReading(`Reading batch ${id}: ${count} events so far`));
      if (turn !== this.#turn) return;
      if (events.length) this.#begin(id, events, seq);
      else toast(`Batch ${id} has no stored events.`, "bad");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message, "bad");
    }
    show(byId("replay"), this.active);
  }

  /** Opens what the address names; once, when the page knows the state. */
  resume() {
    const { id, seq } = this.#named;
    this.#named = { id: 0 };
    if (id) this.open(id, seq);
  }

  /** Back to what happens now. */
  close() {
    this.#film = null;
    this.#turn += 1;
    this.#play(false);
    clearTimeout(this.#rest);
    address(0, 0);
    show(byId("replay"), false);
    this.page.onLines(null);
    this.page.onFrame();
  }

  toggle() {
    this.#play(!this.#playing);
  }

  /**
   * What the views are shown: the live model, or the replayed moment in its place.
   * @param {Model} live
   * @returns {Model}
   */
  model(live) {
    const film = this.#film;
    if (!film) return live;
    const made = this.#made;
    if (made && made.live.plan === live.plan && made.live.link === live.link && made.index === this.#index)
      return made.model;
    const { run, steps } = film.at(this.#index);
    const { sprint } = live.plan;
    const plan = sprint ? overlay(asOnlyEventsTell(sprint), film.statusesAt(this.#index)) : live.plan;
    const model = { ...live, run, steps, plan, counts: plan.counts, spent: 0, lastAt: this.#time, past: true };
    this.#made = { live, index: this.#index, model };
    return model;
  }

  /** @param {number} id @param {import("../state.js").Envelope[]} events @param {number} [seq] */
  #begin(id, events, seq) {
    const { project, agent, limits } = this.page.current().run;
    this.#film = new Film(events, { project, agent, limits });
    this.#lines = events.map(toLine);
    this.#made = null;
    this.id = id;
    show(byId("replay"), true);
    text(byId("replay-name"), `Replay of batch ${id}, ${day(events[0].timestamp)}`);
    attr(this.#slider, "max", events.length);
    if (seq) this.#stand(this.#film.indexOf(seq));
    else {
      this.#seek(this.#film.starts);
      this.#play(true);
    }
  }

  /** Rests after so many events. @param {number} index */
  #stand(index) {
    this.#play(false);
    if (!this.#film) return;
    const at = Math.min(this.#lines.length, Math.max(0, index));
    this.#place(at, this.#film.events[Math.max(0, at - 1)].timestamp);
  }

  /** To the moment before or after that matters. @param {1 | -1} way */
  #jump(way) {
    if (this.#film) this.#stand(this.#film.landmark(this.#index, way));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (
      !this.#film ||
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      recall("keys", "on") !== "on"
    )
      return;
    if (
      document.querySelector("dialog[open]") ||
      (event.target instanceof Element && event.target.matches("input:not([type=range]), select, textarea"))
    )
      return;
    const acts = /** @type {Record<string, () => void>} */ ({
      ",": () => this.#stand(this.#index - 1),
      ".": () => this.#stand(this.#index + 1),
      "[": () => this.#jump(-1),
      "]": () => this.#jump(1),
      "<": () => this.#faster(-1),
      ">": () => this.#faster(1),
    });
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** @param {number} by places in the list of speeds */
  #faster(by) {
    const { length } = this.#speed.options;
    this.#speed.selectedIndex = Math.min(length - 1, Math.max(0, this.#speed.selectedIndex + by));
  }

  /** @param {number} to ms */
  #seek(to) {
    if (!this.#film) return;
    const at = Math.min(this.#film.ends, Math.max(this.#film.starts, to));
    this.#place(this.#film.indexAt(at), at);
  }

  /** @param {number} index events that have happened @param {number} at ms */
  #place(index, at) {
    [this.#index, this.#time] = [index, at];
    const all = this.#lines.length;
    this.#slider.value = String(index);
    attr(this.#slider, "aria-valuetext", `${clock(at)}, event ${index} of ${all}`);
    text(byId("replay-words"), `${clock(at)} · event ${count(index)} of ${count(all)}`);
    this.page.onLines(this.#lines.slice(0, index));
    this.page.onFrame();
    this.#addressSoon();
  }

  /** The address names the moment where the replay rests; while it plays, the batch. */
  #addressSoon() {
    clearTimeout(this.#rest);
    this.#rest = window.setTimeout(() => {
      const seq = this.#playing ? 0 : (this.#film?.events[Math.max(0, this.#index - 1)].seq ?? 0);
      if (this.#film) address(this.id, seq);
    }, REST_MS);
  }

  #dragged() {
    this.#stand(Number(this.#slider.value));
  }

  /** @param {boolean} on */
  #play(on) {
    if (on && this.#film && this.#time >= this.#film.ends) this.#seek(this.#film.starts);
    const begins = on && !this.#playing;
    this.#playing = on;
    this.#drawn = performance.now();
    const glyph = byId("replay-play").querySelector("svg");
    if (glyph) setIcon(glyph, on ? "pause" : "play");
    attr(byId("replay-play"), "aria-label", on ? "Pause the replay" : "Play");
    if (this.#film) this.#addressSoon();
    if (begins) requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    const film = this.#film;
    if (!this.#playing || !film) return;
    const now = performance.now();
    if (this.#speed.value === "max") return this.#rush(film, now);
    const speed = Number(this.#speed.value);
    const next = film.events[this.#index]?.timestamp ?? film.ends;
    const quiet = (next - this.#time) / speed > QUIET_MS;
    this.#seek(quiet ? next - BREATH_MS * speed : this.#time + (now - this.#drawn) * speed);
    this.#drawn = now;
    if (this.#time >= film.ends) this.#play(false);
    else requestAnimationFrame(() => this.#frame());
  }

  /** As many events as a frame has time for. @param {Film} film @param {number} began */
  #rush(film, began) {
    let index = this.#index;
    while (index < film.events.length && performance.now() - began < FRAME_MS) {
      index = Math.min(film.events.length, index + STRIDE);
      film.at(index);
    }
    this.#drawn = performance.now();
    this.#place(index, film.events[index - 1].timestamp);
    if (index >= film.events.length) this.#play(false);
    else requestAnimationFrame(() => this.#frame());
  }
}

/**
 * Without what the files say today: no event tells how it was then.
 * @param {import("../shell/plan.js").Sprint} sprint
 */
function asOnlyEventsTell(sprint) {
  return { ...sprint, problems: [], stories: sprint.stories.map((story) => ({ ...story, tasks: null, drift: null })) };
}

/**
 * @param {number} batch
 * @param {(count: number) => void} onPage
 * @returns {Promise<import("../state.js").Envelope[]>}
 */
async function readAll(batch, onPage) {
  const all = [];
  for (let since = 0; ; since = all[all.length - 1].seq) {
    const page = await fetchEvents({ batch, since, limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return all;
    onPage(all.length);
  }
}

/** What the address names. @returns {{id: number, seq?: number}} */
function named() {
  const params = new URLSearchParams(location.search);
  return { id: Number(params.get("replay")) || 0, seq: Number(params.get("at")) || undefined };
}

/** Says it to screen readers and in the bar; a long batch takes a while. @param {string} words */
function tellReading(words) {
  show(byId("replay"), true);
  text(byId("replay-name"), words);
}

/** The address names batch and moment. @param {number} id 0 for none @param {number} seq 0 for none */
function address(id, seq) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of /** @type {const} */ ([
    ["replay", id],
    ["at", seq],
  ])) {
    if (value) params.set(name, String(value));
    else params.delete(name);
  }
  const query = params.toString();
  const next = `${location.pathname}${query ? `?${query}` : ""}${location.hash}`;
  if (next !== `${location.pathname}${location.search}${location.hash}`) history.replaceState(history.state, "", next);
}
