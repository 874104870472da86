// @ts-check
/** Words to the operator: short notes on the screen, and one voice for screen readers that never chatters. */
import { byId, h, icon, text } from "./dom.js";

/** How long a note stays, in ms; errors stay until they are dismissed. */
const NOTE_MS = 6_000;
/** The same for a note that offers something to do. */
const OFFER_MS = 20_000;
/** Most notes on the screen; the oldest makes room. */
const NOTES_MOST = 4;
/** Least time between two announcements, in ms. */
const VOICE_MS = 4_000;
/** Most sentences of one announcement; a long pause must not end in a speech. */
const VOICE_MOST = 3;

/** @typedef {{words: string, run: () => void}} Offer something to do about it; the note goes when it is taken */

/** @param {string} message @param {"good" | "bad" | "info"} [tone] @param {Offer[]} [offers] */
export function toast(message, tone = "info", offers = []) {
  const note = h("div", { class: "toast", "data-tone": tone }, h("p", { text: message }));
  for (const { words, run } of offers) {
    note.append(
      h("button", { class: "button small", type: "button", text: words, on: { click: () => (note.remove(), run()) } }),
    );
  }
  const close = h(
    "button",
    { class: "ghost", type: "button", "aria-label": "Dismiss", on: { click: () => note.remove() } },
    icon("cross"),
  );
  note.append(close);
  const all = byId("toasts");
  const words = note.firstElementChild?.textContent;
  for (const old of [...all.children]) if (old.firstElementChild?.textContent === words) old.remove();
  all.append(note);
  while (all.children.length > NOTES_MOST) all.firstElementChild?.remove();
  announce(message);
  if (tone !== "bad") setTimeout(() => note.remove(), offers.length ? OFFER_MS : NOTE_MS);
  return note;
}

/** @type {string[]} */
let waiting = [];
let spokenAt = 0;
let timer = 0;

/** Says a sentence to screen readers; sentences that come too fast are joined. @param {string} sentence */
export function announce(sentence) {
  if (waiting.at(-1) === sentence) return;
  waiting = [...waiting, sentence].slice(-VOICE_MOST);
  if (!timer) timer = window.setTimeout(speak, Math.max(50, spokenAt + VOICE_MS - Date.now()));
}

function speak() {
  text(byId("voice"), waiting.join(". "));
  waiting = [];
  timer = 0;
  spokenAt = Date.now();
}
