// @ts-check
/** The forecast: for what is left of the batch on the Run tab, and for what a start would run beside its button. */
import { catchApiError, get } from "../kit/api.js";
import { attr, byId, show, text } from "../kit/dom.js";
import { basisText, forecastText } from "../kit/forecast-text.js";

/** @typedef {import("../shell/model.js").Model} Model */

/** How long nothing changes before it is read, in ms. */
const SETTLE_MS = 300;

/** Reads a forecast into an element, when nothing has changed for a moment; answers to older questions are dropped. */
export class ForecastLine {
  #el;
  #lead;
  #turn = 0;
  #timer = 0;
  #asked = "";

  /** @param {string} id of the element @param {string} lead before the sentence */
  constructor(id, lead) {
    this.#el = byId(id);
    this.#lead = lead;
  }

  /** @param {Record<string, string>} query @param {string} state what the answer depends on besides; "" for nothing */
  ask(query, state) {
    const asked = state && JSON.stringify([query, state]);
    if (asked === this.#asked) return;
    this.#asked = asked;
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    if (!asked) this.#draw("", "");
    else this.#timer = window.setTimeout(() => this.#read(query, turn), SETTLE_MS);
  }

  /** @param {Record<string, string>} query @param {number} turn */
  async #read(query, turn) {
    const forecast = await catchApiError(get(`/api/forecast?${new URLSearchParams(query)}`));
    if (turn !== this.#turn) return;
    if (!forecast?.stories) this.#draw("", "");
    else this.#draw(`${this.#lead}${forecastText(forecast)}.`, basisText(forecast));
  }

  /** @param {string} words @param {string} basis */
  #draw(words, basis) {
    const [line, note] = this.#el.children;
    text(line, words);
    text(note, basis);
    show(this.#el, Boolean(words));
    attr(this.#el, "title", basis || null);
  }
}

/** @returns {import("./run.js").Part} */
export function createForecast() {
  const line = new ForecastLine("run-forecast", "What is left: ");
  return {
    render({ run, ready, replaying, link }) {
      const { batch, totals, cycles, queue, state } = run;
      const open = ready && !replaying && !link.lost && batch !== null && state !== "idle" && state !== "stopping";
      const keys = cycles.map(({ number }) => number);
      attr(byId("run-forecast"), "data-kept", open);
      line.ask({}, open ? JSON.stringify([batch.id, totals.commands, keys, queue, state]) : "");
    },
  };
}
