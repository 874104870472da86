// @ts-check
/**
 * The replay of a past batch: the views show the state of an earlier moment, and a bar moves through time. The address
 * names batch and moment, so that a moment can be shared.
 */
import { catchApiError, events as fetchEvents } from "../kit/api.js";
import { byId, show, text } from "../kit/dom.js";
import { serverNow } from "../kit/server-clock.js";
import { toast } from "../kit/toast.js";
import { toLogLine } from "../run/log-line.js";
import { overlay } from "../shell/plan.js";
import { Recording } from "./recording.js";
import { ReplayBar } from "./replay-bar.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../run/log-line.js").Line} Line */
/** @typedef {import("../state.js").Envelope} Envelope */

/** Events fetched at once; the most that the server gives. */
const PAGE = 10_000;
/** An idle time that would last longer than this on the screen is cut short, in ms. */
const IDLE_MS = 2_000;
/** The rest of an idle time that was cut short, in ms on the screen. */
const CUT_MS = 200;
/** At the greatest speed: how long a frame applies events, in ms, and after how many events it checks the time. */
const FRAME_MS = 8;
const STRIDE = 50;
/** How long the replay rests before the address follows it, in ms. */
const REST_MS = 300;

export class Replay {
  /** The number of the batch, 0 for none. */
  id = 0;
  /** @type {Recording | null} */ #recording = null;
  /** @type {Line[]} */ #lines = [];
  /** The last model and what it was made from. @type {{live: Model, index: number, model: Model} | null} */
  #made = null;
  #bar;
  #page;
  /** What the address named when the page was opened. */
  #linked = readAddress();
  #timer = 0;
  /** The number of the newest read: older ones are dropped. */
  #turn = 0;
  #index = 0;
  #time = 0;
  /** When the last frame was drawn, by the clock of the page. */
  #frameAt = 0;
  #playing = false;

  /** @param {{current: () => Model, onFrame: () => void, onLines: (lines: Line[] | null) => void}} page */
  constructor(page) {
    this.#page = page;
    this.#bar = new ReplayBar({
      isActive: () => this.active,
      toggle: () => this.toggle(),
      close: () => this.close(),
      step: (by) => this.#rest(this.#index + by),
      jump: (direction) => this.#jump(direction),
      moveTo: (index) => this.#rest(index),
      onSpeed: () => {
        this.#frameAt = performance.now();
      },
    });
  }

  get active() {
    return this.#recording !== null;
  }

  /** The time that the views show, in ms. */
  get now() {
    return this.#recording ? this.#time : serverNow();
  }

  /**
   * @param {number} id of a batch
   * @param {number} [seq] the moment to rest at; otherwise it plays from the start
   */
  async open(id, seq) {
    const turn = ++this.#turn;
    const read = readAll(id, (count) => showReading(id, count));
    const events = await catchApiError(read, (error) => {
      toast(error.message, "bad");
      return null;
    });
    if (events && turn !== this.#turn) return;
    if (events?.length) this.#begin(id, events, seq);
    else if (events) toast(`Batch ${id} has no stored events.`, "bad");
    show(byId("replay"), this.active);
  }

  /** Opens what the address names; once, when the page has the state. */
  resume() {
    const { id, seq } = this.#linked;
    this.#linked = { id: 0 };
    if (id) this.open(id, seq);
  }

  /** Shows the live state again. */
  close() {
    this.#recording = null;
    this.#turn += 1;
    this.#setPlaying(false);
    clearTimeout(this.#timer);
    writeAddress(0, 0);
    show(byId("replay"), false);
    this.#page.onLines(null);
    this.#page.onFrame();
  }

  /** Plays or pauses. */
  toggle() {
    this.#setPlaying(!this.#playing);
  }

  /**
   * The model for the views: the live one, or that of the replayed moment.
   * @param {Model} live
   * @returns {Model}
   */
  model(live) {
    const recording = this.#recording;
    if (!recording) return live;
    const made = this.#made;
    const isCurrent = made && made.live.plan === live.plan && made.live.link === live.link;
    if (isCurrent && made.index === this.#index) return made.model;
    const model = this.#makeModel(recording, live);
    this.#made = { live, index: this.#index, model };
    return model;
  }

  /** @param {Recording} recording @param {Model} live @returns {Model} */
  #makeModel(recording, live) {
    const { run, commands } = recording.at(this.#index);
    const { sprint } = live.plan;
    const plan = sprint ? overlay(withoutFiles(sprint), recording.statusesAt(this.#index)) : live.plan;
    return { ...live, run, commands, plan, counts: plan.counts, spent: 0, lastAt: this.#time, replaying: true };
  }

  /** @param {number} id @param {Envelope[]} events @param {number} [seq] */
  #begin(id, events, seq) {
    const { project, agent, limits } = this.#page.current().run;
    const recording = new Recording(events, { project, agent, limits });
    this.#recording = recording;
    this.#lines = events.map(toLogLine);
    this.#made = null;
    this.id = id;
    this.#bar.open(id, events);
    if (seq) return this.#rest(recording.indexOf(seq));
    this.#seek(recording.start);
    this.#setPlaying(true);
  }

  /** Pauses after the first `index` events. @param {number} index */
  #rest(index) {
    this.#setPlaying(false);
    if (!this.#recording) return;
    const at = Math.min(this.#lines.length, Math.max(0, index));
    this.#show(at, this.#recording.events[Math.max(0, at - 1)].timestamp);
  }

  /** Pauses at the next or previous landmark. @param {1 | -1} direction */
  #jump(direction) {
    if (this.#recording) this.#rest(this.#recording.landmark(this.#index, direction));
  }

  /** @param {number} to ms */
  #seek(to) {
    if (!this.#recording) return;
    const { start, end } = this.#recording;
    const at = Math.min(end, Math.max(start, to));
    this.#show(this.#recording.indexAt(at), at);
  }

  /** @param {number} index events that have happened @param {number} at ms */
  #show(index, at) {
    [this.#index, this.#time] = [index, at];
    this.#bar.show(index, this.#lines.length, at);
    this.#page.onLines(this.#lines.slice(0, index));
    this.#page.onFrame();
    this.#writeAddressSoon();
  }

  /** The address names the moment at which the replay rests; while it plays, the batch. */
  #writeAddressSoon() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      if (!this.#recording) return;
      const last = this.#recording.events[Math.max(0, this.#index - 1)];
      writeAddress(this.id, this.#playing ? 0 : last.seq);
    }, REST_MS);
  }

  /** @param {boolean} playing */
  #setPlaying(playing) {
    const recording = this.#recording;
    if (playing && recording && this.#time >= recording.end) this.#seek(recording.start);
    const begins = playing && !this.#playing;
    this.#playing = playing;
    this.#frameAt = performance.now();
    this.#bar.setPlaying(playing);
    if (recording) this.#writeAddressSoon();
    if (begins) requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    const recording = this.#recording;
    if (!this.#playing || !recording) return;
    const now = performance.now();
    const isAtEnd = this.#bar.speed === Infinity ? this.#rush(recording, now) : this.#advance(recording, now);
    this.#frameAt = performance.now();
    if (isAtEnd) this.#setPlaying(false);
    else requestAnimationFrame(() => this.#frame());
  }

  /**
   * Moves on by the time since the last frame.
   * @param {Recording} recording
   * @param {number} now of the page
   * @returns {boolean} whether it is at the end
   */
  #advance(recording, now) {
    const { speed } = this.#bar;
    const next = recording.events[this.#index]?.timestamp ?? recording.end;
    const isIdle = (next - this.#time) / speed > IDLE_MS;
    this.#seek(isIdle ? next - CUT_MS * speed : this.#time + (now - this.#frameAt) * speed);
    return this.#time >= recording.end;
  }

  /**
   * Applies as many events as a frame has time for.
   * @param {Recording} recording
   * @param {number} start of the frame
   * @returns {boolean} whether it is at the end
   */
  #rush(recording, start) {
    const { events } = recording;
    let index = this.#index;
    while (index < events.length && performance.now() - start < FRAME_MS) {
      index = Math.min(events.length, index + STRIDE);
      recording.at(index);
    }
    this.#show(index, events[index - 1].timestamp);
    return index >= events.length;
  }
}

/**
 * The plan without what the files contain today: no event says what they contained then.
 * @param {import("../shell/plan.js").Sprint} sprint
 */
function withoutFiles(sprint) {
  return { ...sprint, problems: [], stories: sprint.stories.map((story) => ({ ...story, tasks: null, drift: null })) };
}

/**
 * @param {number} batch
 * @param {(count: number) => void} onPage
 * @returns {Promise<Envelope[]>}
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

/** Shows the progress of a long read. @param {number} id @param {number} count */
function showReading(id, count) {
  show(byId("replay"), true);
  text(byId("replay-name"), `Reading batch ${id}: ${count} events so far`);
}

/** What the address names. @returns {{id: number, seq?: number}} */
function readAddress() {
  const params = new URLSearchParams(location.search);
  return { id: Number(params.get("replay")) || 0, seq: Number(params.get("at")) || undefined };
}

/** @param {number} id 0 for none @param {number} seq 0 for none */
function writeAddress(id, seq) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries({ replay: id, at: seq })) {
    if (value) params.set(name, String(value));
    else params.delete(name);
  }
  const query = params.toString();
  const next = `${location.pathname}${query ? `?${query}` : ""}${location.hash}`;
  if (next !== `${location.pathname}${location.search}${location.hash}`) history.replaceState(history.state, "", next);
}
