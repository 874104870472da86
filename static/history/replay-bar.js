// @ts-check
/** The bar of the replay: play and pause, the slider, the speed, and their keys. */
import { attr, byId, setIcon, show, text } from "../kit/dom.js";
import { clock, count, day } from "../kit/format.js";
import { readStored } from "../kit/storage.js";

/**
 * @typedef {{isActive: () => boolean, toggle: () => void, close: () => void, step: (by: number) => void,
 *   jump: (direction: 1 | -1) => void, moveTo: (index: number) => void, onSpeed: () => void}} Actions
 */

/** Fields in which the keys of the replay are text. */
const FIELDS = "input:not([type=range]), select, textarea";

export class ReplayBar {
  #slider = /** @type {HTMLInputElement} */ (byId("replay-place"));
  #speed = /** @type {HTMLSelectElement} */ (byId("replay-speed"));
  #actions;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    byId("replay-play").addEventListener("click", actions.toggle);
    byId("replay-close").addEventListener("click", actions.close);
    byId("replay-back").addEventListener("click", () => actions.jump(-1));
    byId("replay-on").addEventListener("click", () => actions.jump(1));
    this.#slider.addEventListener("input", () => actions.moveTo(Number(this.#slider.value)));
    this.#speed.addEventListener("change", actions.onSpeed);
    addEventListener("keydown", (event) => this.#key(event));
  }

  /** How many times faster than it was; Infinity for as fast as possible. */
  get speed() {
    return this.#speed.value === "max" ? Infinity : Number(this.#speed.value);
  }

  /** @param {number} id of the batch @param {import("../state.js").Envelope[]} events */
  open(id, events) {
    show(byId("replay"), true);
    text(byId("replay-name"), `Replay of batch ${id}, ${day(events[0].timestamp)}`);
    attr(this.#slider, "max", events.length);
  }

  /** @param {number} index events that have happened @param {number} all @param {number} at ms */
  show(index, all, at) {
    this.#slider.value = String(index);
    attr(this.#slider, "aria-valuetext", `${clock(at)}, event ${index} of ${all}`);
    text(byId("replay-words"), `${clock(at)} · event ${count(index)} of ${count(all)}`);
  }

  /** @param {boolean} playing */
  setPlaying(playing) {
    const glyph = byId("replay-play").querySelector("svg");
    if (glyph) setIcon(glyph, playing ? "pause" : "play");
    attr(byId("replay-play"), "aria-label", playing ? "Pause the replay" : "Play");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#actions.isActive() || isTaken(event)) return;
    const { step, jump } = this.#actions;
    /** @type {Record<string, () => void>} */
    const keys = {
      ",": () => step(-1),
      ".": () => step(1),
      "[": () => jump(-1),
      "]": () => jump(1),
      "<": () => this.#changeSpeed(-1),
      ">": () => this.#changeSpeed(1),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** @param {number} by places in the list of speeds */
  #changeSpeed(by) {
    const { length } = this.#speed.options;
    this.#speed.selectedIndex = Math.min(length - 1, Math.max(0, this.#speed.selectedIndex + by));
  }
}

/** Whether a key belongs to a field, a dialog or the browser, or shortcuts are off. @param {KeyboardEvent} event */
function isTaken(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  if (readStored("keys", "on") !== "on" || document.querySelector("dialog[open]")) return true;
  return event.target instanceof Element && event.target.matches(FIELDS);
}
