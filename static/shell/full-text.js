// @ts-check
/** The search over all events and transcripts for the palette: asked during typing, answered page by page. */
import { catchApiError, get } from "../kit/api.js";
import { clock, count, day, plural, shortCommand, shortKey } from "../kit/format.js";

/** @typedef {import("./palette.js").Entry} Entry */
/**
 * @typedef {{kind: string, type: string, at: number, story_key: string | null, command: string | null,
 *   command_id: number | null, excerpt: string, ranges: [number, number][], place: string, seq: number | null,
 *   event: import("../state.js").Envelope | null}} Result
 * @typedef {{results: Result[], count: number | null, more: boolean, after: string | null,
 *   backlog: {events: number, transcripts: number} | null}} Page
 */

/** A search begins this long after the last key, in ms. */
const TYPING_MS = 160;
/** The shortest text that is searched for: a letter is everywhere. */
const LEAST = 2;
const FIRST = 12;
const NEXT = 30;

export class FullText {
  /** @type {Entry[]} */ entries = [];
  /** What is known of the search, for the foot of the palette. */
  words = "";
  #query = "";
  #timer = 0;
  /** @type {string | null} */ #after = null;
  #total = "";
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** Searches for a text soon; what was found for another one is dropped. @param {string} query */
  ask(query) {
    const wanted = query.trim();
    if (wanted === this.#query) return;
    this.#query = wanted;
    this.#after = null;
    this.entries = [];
    clearTimeout(this.#timer);
    const long = [...wanted].length >= LEAST;
    this.words = long ? "Searching the log and the transcripts" : "";
    if (long) this.#timer = window.setTimeout(() => this.#read(FIRST), TYPING_MS);
  }

  /** @param {number} limit */
  async #read(limit) {
    const query = this.#query;
    const params = { q: query, limit: String(limit), ...(this.#after ? { after: this.#after } : {}) };
    /** @type {Page | string} */
    const page = await catchApiError(get(`/api/search?${new URLSearchParams(params)}`), (error) => error.message);
    if (query !== this.#query) return;
    if (typeof page === "string") this.words = page;
    else this.#add(page);
    this.#onChange();
  }

  /** @param {Page} page */
  #add(page) {
    if (page.count !== null) this.#total = totalText(page);
    this.words = this.#total;
    this.#after = page.after;
    const known = this.entries.filter((entry) => !entry.stays);
    // What is found in a text comes before what is found in the names beside it.
    const named = (/** @type {Result} */ result) => result.ranges.length === 0;
    const sorted = [...page.results].sort((a, b) => Number(named(a)) - Number(named(b)));
    this.entries = [...known, ...sorted.map(toEntry), ...(page.after ? [this.#moreEntry()] : [])];
  }

  /** @returns {Entry} */
  #moreEntry() {
    return { group: "", words: "Show more results", stays: true, run: () => this.#read(NEXT) };
  }
}

/** @param {Page} page */
export function totalText({ count: all, more, backlog }) {
  const found = all
    ? `${count(all ?? 0)}${more ? "+" : ""} in the log and the transcripts`
    : "Nothing in the log or the transcripts";
  const waits = backlog && [
    backlog.events && plural(backlog.events, "event"),
    backlog.transcripts && plural(backlog.transcripts, "transcript"),
  ];
  return waits ? `${found} · not searched yet: ${waits.filter(Boolean).join(", ")}` : found;
}

/** @param {Result} result @returns {Entry} */
function toEntry({ kind, at, story_key: story, command, excerpt, ranges, place }) {
  const parts = [story && shortKey(story), command && shortCommand(command), `${day(at)} ${clock(at)}`];
  return {
    group: kind === "transcript" ? "Transcript" : "Log",
    words: excerpt,
    ranges,
    detail: parts.filter(Boolean).join(" · "),
    run: () => {
      location.hash = place;
    },
  };
}
