// @ts-check
/** Replay of a past batch: the same views, shown the state of an earlier moment, and a bar to move through time. */
import { ApiError, events as fetchEvents } from "./api.js";
import { attr, byId, setIcon, show, text } from "./dom.js";
import { Film } from "./film.js";
import { clock, count } from "./format.js";
import { toLine } from "./line.js";
import { toast } from "./notice.js";
import { overlay } from "./plan.js";

/** @typedef {import("./app.js").Model} Model */
/** @typedef {import("./line.js").Line} Line */

/** Events fetched at once; the most that the server gives. */
const PAGE = 10_000;
/** A quiet time that would last longer than this on the screen is cut short, in ms. */
const QUIET_MS = 2_000;
/** What is left of a quiet time that was cut short, in ms on the screen. */
const BREATH_MS = 200;

export class Replay {
  /** @type {Film | null} */ #film = null;
  /** @type {Line[]} */ #lines = [];
  /** @type {{live: Model, index: number, model: Model} | null} */ #made = null;
  #slider = /** @type {HTMLInputElement} */ (byId("replay-place"));
  #speed = /** @type {HTMLSelectElement} */ (byId("replay-speed"));
  #named = Number(new URLSearchParams(location.search).get("replay")) || 0;
  #index = 0;
  #time = 0;
  #drawn = 0;
  #playing = false;

  /** @param {{current: () => Model, onFrame: () => void, onLines: (lines: Line[] | null) => void}} page */
  constructor(page) {
    this.page = page;
    byId("replay-play").addEventListener("click", () => this.toggle());
    byId("replay-close").addEventListener("click", () => this.close());
    this.#slider.addEventListener("input", () => this.#dragged());
  }

  get active() {
    return this.#film !== null;
  }

  /** What time it is for the views, in ms. */
  get now() {
    return this.#film ? this.#time : Date.now();
  }

  /** @param {number} id of a batch */
  async open(id) {
    try {
      const events = await readAll(id);
      if (events.length) this.#begin(id, events);
      else toast(`Batch ${id} has no stored events.`, "bad");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message, "bad");
    }
  }

  /** Opens what the address names; once, when the page knows the state. */
  resume() {
    const id = this.#named;
    this.#named = 0;
    if (id) this.open(id);
  }

  /** Back to what happens now. */
  close() {
    this.#film = null;
    this.#play(false);
    address(0);
    show(byId("replay"), false);
    this.page.onLines(null);
    this.page.onFrame();
  }

  toggle() {
    this.#play(!this.#playing);
  }

  /** What the views are shown: the live model, or the replayed moment in its place. @param {Model} live @returns {Model} */
  model(live) {
    const film = this.#film;
    if (!film) return live;
    const made = this.#made;
    if (made && made.live.plan === live.plan && made.live.link === live.link && made.index === this.#index) return made.model;
    const { run, steps } = film.at(this.#index);
    const { sprint } = live.plan;
    const plan = sprint ? overlay(asOnlyEventsTell(sprint), film.statusesAt(this.#index)) : live.plan;
    const model = { ...live, run, steps, plan, counts: plan.counts, spent: 0, lastAt: this.#time, past: true };
    this.#made = { live, index: this.#index, model };
    return model;
  }

  /** @param {number} id @param {import("./state.js").Envelope[]} events */
  #begin(id, events) {
    const { project, agent, limits } = this.page.current().run;
    this.#film = new Film(events, { project, agent, limits });
    this.#lines = events.map(toLine);
    this.#made = null;
    address(id);
    show(byId("replay"), true);
    text(byId("replay-name"), `Replay of batch ${id}`);
    attr(this.#slider, "max", events.length);
    this.#seek(this.#film.starts);
    this.#play(true);
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
  }

  #dragged() {
    this.#play(false);
    const index = Number(this.#slider.value);
    if (this.#film) this.#place(index, this.#film.events[Math.max(0, index - 1)].timestamp);
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
    if (begins) requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    const film = this.#film;
    if (!this.#playing || !film) return;
    const speed = Number(this.#speed.value);
    const now = performance.now();
    const next = film.events[this.#index]?.timestamp ?? film.ends;
    const quiet = (next - this.#time) / speed > QUIET_MS;
    this.#seek(quiet ? next - BREATH_MS * speed : this.#time + (now - this.#drawn) * speed);
    this.#drawn = now;
    if (this.#time >= film.ends) this.#play(false);
    else requestAnimationFrame(() => this.#frame());
  }
}

/** Without what the files say today: no event tells how it was then. @param {import("./plan.js").Sprint} sprint */
function asOnlyEventsTell(sprint) {
  return { ...sprint, problems: [], stories: sprint.stories.map((story) => ({ ...story, tasks: null, drift: null })) };
}

/** @param {number} batch @returns {Promise<import("./state.js").Envelope[]>} */
async function readAll(batch) {
  const all = [];
  for (let since = 0; ; since = all[all.length - 1].seq) {
    const page = await fetchEvents({ batch, since, limit: PAGE });
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

/** The address names the batch, so that a replay can be shared and survives a reload. @param {number} id 0 for none */
function address(id) {
  history.replaceState(null, "", `${location.pathname}${id ? `?replay=${id}` : ""}${location.hash}`);
}
