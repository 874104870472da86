// @ts-check
/** Which files of a story's changes the reader has seen; one that changes again counts as not seen. */
import { readStoredList, writeStored } from "../kit/storage.js";

/** @typedef {import("./diff.js").FileChange} FileChange */

/** Marks that are kept, the newest ones. */
const MOST = 500;
const NAME = "viewed";

/** @param {string} place the story and the change @param {FileChange} file */
export function isViewed(place, file) {
  return readStoredList(NAME).includes(markOf(place, file));
}

/** @param {string} place @param {FileChange} file @param {boolean} viewed */
export function setViewed(place, file, viewed) {
  const mark = markOf(place, file);
  const others = readStoredList(NAME).filter((other) => other !== mark);
  writeStored(NAME, JSON.stringify((viewed ? [...others, mark] : others).slice(-MOST)));
}

/** @param {string} place @param {FileChange} file */
function markOf(place, { path, part = 1, added, removed, hunks }) {
  return `${place} ${part} ${path} +${added} −${removed} ${hash(JSON.stringify(hunks))}`;
}

/** A short sum of a text (FNV-1a): it tells versions apart, and protects nothing. @param {string} text */
function hash(text) {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return (sum >>> 0).toString(36);
}
