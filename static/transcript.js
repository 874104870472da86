// @ts-check
/** What an agent said and did in one command, as the server reads its stream: unfolded on demand. */
import { ApiError, get } from "./api.js";
import { h } from "./dom.js";
import { count } from "./format.js";

/** @typedef {{kind: string, text: string, ok: boolean | null, result: string, size: number, subagent: string | null}} Entry */

/** A place for the transcript of a command, filled when it is first opened. @param {number} id */
export function createTranscript(id) {
  const body = h("div", { class: "transcript" }, h("p", { class: "empty", text: "Loading" }));
  const el = h("details", { class: "transcript-fold" }, h("summary", { text: "Transcript" }), body);
  let loaded = false;
  el.addEventListener("toggle", async () => {
    if (!el.open || loaded) return;
    loaded = true;
    body.replaceChildren(...(await read(id)));
  });
  return el;
}

/** @param {number} id @returns {Promise<HTMLElement[]>} */
async function read(id) {
  try {
    /** @type {{entries: Entry[]}} */
    const { entries } = await get(`/api/commands/${id}/transcript`);
    const raw = h("a", { href: `/api/commands/${id}/transcript?raw=1`, text: "The stream as recorded" });
    return [...entries.map(draw), h("p", { class: "raw" }, raw)];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [h("p", { class: "empty", text: error.message })];
  }
}

/** @param {Entry} entry */
function draw(entry) {
  const failed = entry.ok === false ? "failed" : null;
  const line = h("p", { class: "entry", "data-kind": entry.kind, "data-ok": failed }, h("span", { class: "entry-kind", text: entry.kind }), h("span", { class: "entry-text", text: entry.text }));
  if (!entry.result) return line;
  const size = entry.size > entry.result.length ? `Answer, the first ${count(entry.result.length)} of ${count(entry.size)} characters` : "Answer";
  return h("div", {}, line, h("details", { class: "answer" }, h("summary", { text: size }), h("pre", { text: entry.result })));
}
