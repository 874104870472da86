// @ts-check
/**
 * The page's line to the server: exact resume, no event twice, no event missed, and a dead line found in time.
 * It promises its owner events in order of `seq` without a gap; when it sees one it reconnects and asks for the rest.
 */
import { openSocket } from "./early-socket.js";

/** @typedef {import("../state.js").Envelope} Envelope */
/**
 * @typedef {{kind: "connecting" | "live" | "waiting", since: number, retryAt: number | null, lost: boolean,
 *   gone?: boolean}} Link
 *   `gone`: the server answers, and knows no such runner any more; `since` is when this condition began (for a lost line: when it was lost), `retryAt` the next try, in epoch ms
 * @typedef {{onInit: (payload: Record<string, any>) => void, onEvent: (event: Envelope) => void,
 *   onLink: (link: Link) => void, onProblem?: (problem: string | null) => void,
 *   onServerTime?: (now: number) => void, onPage?: (version: string) => void, onRevoked?: () => void}} Listener
 *   `onPage`: the version of the page that the server has, with every connection
 *   `onProblem`: what the server cannot tell as an event, because none can be stored; null when that is over
 * @typedef {{open: (url: string) => WebSocket, now: () => number, random: () => number,
 *   after: (ms: number, run: () => void) => unknown, cancel: (timer: any) => void}} Platform
 */

/** First wait before a new try, doubled each time, in ms. */
const BACKOFF_MS = 500;
/** Longest wait before a new try, in ms: an operator who looks again should not have to reload. */
const BACKOFF_MAX_MS = 15_000;
/** The close of a connection whose access was revoked: every other try would be refused. */
const REVOKED = 4401;
/** The close by the server of a fleet that has no such runner: it may be started again. */
const GONE = 4404;
/** The server refuses when it has too many pages; asking sooner would not help. In ms. */
const CROWDED_MS = 5_000;
/** The timeout for the first message of a connection, in ms. */
const OPEN_MS = 10_000;
/** How often the line is looked at, in ms. */
const CHECK_MS = 5_000;
/** After this much silence the line is asked, in ms. The server itself speaks every 30 s. */
const QUIET_MS = 15_000;
/** How long the answer may take, in ms: with the two above a dead line is found within 35 s. */
const ANSWER_MS = 10_000;
/** The same after a sleep or on return to the page, where a dead line is likely, in ms. */
const WAKE_ANSWER_MS = 4_000;
/** A look this late means the machine slept or the page was frozen; silence proves nothing then. In ms. */
const LATE_MS = 10_000;

/** @type {Platform} */
const BROWSER = {
  open: openSocket,
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, run) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer),
};

export class Socket {
  /** @type {WebSocket | null} */ #ws = null;
  /** @type {{seq: number, epoch: string} | null} */ #cursor = null;
  /** @type {Link} */ #link;
  #tries = 0;
  #gone = false;
  #lastHeard = 0;
  #lastCheck = 0;
  #gapAt = -1;
  /** @type {number | null} */ #answerBy = null;
  /** @type {unknown} */ #retry = null;
  /** @type {unknown} */ #opening = null;

  /**
   * @param {string} url of `/ws`, without a query
   * @param {Listener} listener
   * @param {Platform} [world]
   */
  constructor(url, listener, world = BROWSER) {
    this.url = url;
    this.listener = listener;
    this.world = world;
    this.#link = { kind: "connecting", since: world.now(), retryAt: null, lost: false };
  }

  /** Opens the line and keeps it. */
  start() {
    this.#lastCheck = this.world.now();
    this.#open();
    this.world.after(CHECK_MS, () => this.#check());
  }

  /** Tries at once instead of waiting: the network is back, the page is seen again, or the operator asks. */
  wake() {
    if (this.#link.kind === "waiting") return this.#open();
    if (this.#link.kind === "live") this.#ask(WAKE_ANSWER_MS);
  }

  #open() {
    this.world.cancel(this.#retry);
    this.#drop();
    this.#setLink("connecting", null);
    const query = this.#cursor ? { since: this.#cursor.seq, epoch: this.#cursor.epoch } : { since: 0, epoch: "none" };
    const ws = this.world.open(`${this.url}?since=${query.since}&epoch=${encodeURIComponent(query.epoch)}`);
    this.#ws = ws;
    this.#answerBy = null;
    this.#opening = this.world.after(OPEN_MS, () => this.#lost(0));
    ws.onmessage = (message) => this.#hear(String(message.data));
    ws.onclose = (event) => this.#lost(event.code);
  }

  /** Lets go of the present connection without waiting for it: a dead one would never answer the close. */
  #drop() {
    this.world.cancel(this.#opening);
    const ws = this.#ws;
    if (!ws) return;
    ws.onmessage = ws.onclose = null;
    ws.close();
    this.#ws = null;
  }

  /** @param {number} code of the close, 0 for none */
  #lost(code) {
    this.#drop();
    if (code === REVOKED) {
      this.#setLink("waiting", null);
      return this.listener.onRevoked?.();
    }
    this.#gone = code === GONE || (code === 0 && this.#gone);
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.#tries);
    const wait = Math.max(code === 4429 ? CROWDED_MS : 0, ceiling * (0.5 + this.world.random() / 2));
    this.#tries += 1;
    this.#setLink("waiting", this.world.now() + wait);
    this.#retry = this.world.after(wait, () => this.#open());
  }

  /** @param {Link["kind"]} kind @param {number | null} retryAt */
  #setLink(kind, retryAt) {
    const lost = kind !== "live" && (kind === "waiting" || this.#link.lost);
    const began = this.#link.lost || this.#link.kind === kind ? this.#link.since : this.world.now();
    const since = kind === "live" ? this.world.now() : began;
    if (kind === "live") this.#gone = false;
    this.#link = { kind, since, retryAt, lost, gone: this.#gone };
    this.listener.onLink(this.#link);
  }

  /** @param {string} data */
  #hear(data) {
    this.#lastHeard = this.world.now();
    this.#answerBy = null;
    const message = JSON.parse(data);
    if (message.now !== undefined) this.listener.onServerTime?.(message.now);
    switch (message.type) {
      case "init":
        return this.#greeted(message.payload);
      case "resumed":
        return this.#resumed(message.payload);
      case "tick":
        return this.#ticked(message);
      case "pong":
        return undefined;
      default:
        return this.#event(message);
    }
  }

  /** @param {Record<string, any>} payload */
  #greeted(payload) {
    this.#cursor = { seq: payload.seq, epoch: payload.epoch };
    this.listener.onInit(payload);
    this.#live(payload);
  }

  /** @param {Record<string, any>} payload */
  #resumed(payload) {
    if (payload.from === (this.#cursor?.seq ?? -1) + 1) return this.#live(payload);
    this.#cursor = null;
    return this.#open();
  }

  /** @param {Record<string, any>} payload of the first message */
  #live({ page }) {
    if (page) this.listener.onPage?.(page);
    this.world.cancel(this.#opening);
    this.#tries = 0;
    this.#setLink("live", null);
  }

  /** @param {Envelope} event */
  #event(event) {
    if (!this.#cursor || event.seq <= this.#cursor.seq) return;
    if (event.seq > this.#cursor.seq + 1) return this.#gap();
    this.#cursor.seq = event.seq;
    this.listener.onEvent(event);
  }

  /** @param {{seq: number, problem?: string}} tick `seq` is what the server has sent */
  #ticked({ seq, problem }) {
    this.listener.onProblem?.(problem ?? null);
    if (this.#cursor && seq > this.#cursor.seq) this.#gap();
  }

  /** Something is missing: ask for it; if the same place stays empty, begin anew. */
  #gap() {
    const at = this.#cursor?.seq ?? -1;
    if (this.#gapAt === at) this.#cursor = null;
    this.#gapAt = at;
    this.#open();
  }

  #check() {
    const now = this.world.now();
    const slept = now - this.#lastCheck > CHECK_MS + LATE_MS;
    this.#lastCheck = now;
    if (this.#link.kind === "live") this.#judge(now, slept);
    this.world.after(CHECK_MS, () => this.#check());
  }

  /** @param {number} now @param {boolean} slept */
  #judge(now, slept) {
    if (slept) this.#ask(WAKE_ANSWER_MS);
    else if (this.#answerBy !== null && now > this.#answerBy) this.#lost(0);
    else if (this.#answerBy === null && now - this.#lastHeard > QUIET_MS) this.#ask(ANSWER_MS);
  }

  /** @param {number} within ms in which anything must be heard */
  #ask(within) {
    this.#answerBy = this.world.now() + within;
    if (this.#ws?.readyState === 1) this.#ws.send('{"type":"ping"}');
  }
}
