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

/** Events fetched at once; the most that the server gives. */
const PAGE = 10_000;
/** A quiet time longer than this on the screen is skipped, in ms. */
const QUIET_MS = 2_000;

/** @param {{current: () => Model, onFrame: () => void, onLines: (lines: import("./line.js").Line[] | null) => void}} page */
export function createReplay(page) {
  const slider = /** @type {HTMLInputElement} */ (byId("replay-place"));
  const speed = /** @type {HTMLSelectElement} */ (byId("replay-speed"));
  const batchId = Number(new URLSearchParams(location.search).get("replay")) || 0;
  /** @type {Film | null} */
  let film = null;
  /** @type {import("./line.js").Line[]} */
  let lines = [];
  let [index, time, playing, last] = [0, 0, false, 0];
  /** @type {{live: Model, index: number, model: Model} | null} */
  let made = null;

  /** @param {number} id */
  async function open(id) {
    try {
      const events = await readAll(id);
      if (!events.length) return toast(`Batch ${id} has no stored events.`, "bad");
      const { project, agent, limits } = page.current().run;
      film = new Film(events, { project, agent, limits });
      lines = events.map(toLine);
      made = null;
      remember(id);
      show(byId("replay"), true);
      text(byId("replay-name"), `Replay of batch ${id}`);
      attr(slider, "max", events.length);
      seek(film.starts);
      setPlaying(true);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message, "bad");
    }
  }

  function close() {
    film = null;
    playing = false;
    remember(0);
    show(byId("replay"), false);
    page.onLines(null);
    page.onFrame();
  }

  /** @param {number} to ms */
  function seek(to) {
    if (!film) return;
    const at = Math.min(film.ends, Math.max(film.starts, to));
    place(film.indexAt(at), at);
  }

  /** @param {number} events that have happened @param {number} at ms */
  function place(events, at) {
    if (!film) return;
    [index, time] = [events, at];
    slider.value = String(index);
    attr(slider, "aria-valuetext", `${clock(time)}, event ${index} of ${film.events.length}`);
    text(byId("replay-words"), `${clock(time)} · event ${count(index)} of ${count(film.events.length)}`);
    page.onLines(lines.slice(0, index));
    page.onFrame();
  }

  /** @param {boolean} on */
  function setPlaying(on) {
    if (on && film && time >= film.ends) seek(film.starts);
    playing = on;
    last = performance.now();
    const glyph = byId("replay-play").querySelector("svg");
    if (glyph) setIcon(glyph, on ? "pause" : "play");
    attr(byId("replay-play"), "aria-label", on ? "Pause the replay" : "Play");
    if (on) requestAnimationFrame(play);
  }

  function play() {
    if (!playing || !film) return;
    const now = performance.now();
    const step = (now - last) * Number(speed.value);
    last = now;
    const next = film.events[index]?.timestamp ?? film.ends;
    const quiet = (next - time) / Number(speed.value) > QUIET_MS;
    seek(quiet ? next - QUIET_MS * Number(speed.value) * 0.1 : time + step);
    if (time >= film.ends) return setPlaying(false);
    requestAnimationFrame(play);
  }

  byId("replay-play").addEventListener("click", () => setPlaying(!playing));
  byId("replay-close").addEventListener("click", close);
  slider.addEventListener("input", () => {
    playing = false;
    setPlaying(false);
    if (film) place(Number(slider.value), film.events[Math.max(0, Number(slider.value) - 1)].timestamp);
  });

  return {
    open,
    close,
    toggle: () => setPlaying(!playing),
    /** Opens what the address names; once, when the page knows the state. */
    resume: () => batchId && !film && open(batchId),
    get active() {
      return film !== null;
    },
    get now() {
      return film ? time : Date.now();
    },
    /** What the views are shown: the live model, or the replayed moment in its place. @param {Model} live @returns {Model} */
    model(live) {
      if (!film) return live;
      if (made && made.live.plan === live.plan && made.live.link === live.link && made.index === index) return made.model;
      const { run, steps } = film.at(index);
      const plan = live.plan.sprint ? overlay(asOnlyEventsTell(live.plan.sprint), film.statusesAt(index)) : live.plan;
      made = { live, index, model: { ...live, run, steps, plan, counts: plan.counts, spent: 0, lastAt: time, past: true } };
      return made.model;
    },
  };
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
function remember(id) {
  history.replaceState(null, "", `${location.pathname}${id ? `?replay=${id}` : ""}${location.hash}`);
}
