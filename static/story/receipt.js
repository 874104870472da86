// @ts-check
/** The receipt of a story's commit: what its check says in a word, what it proves, and the file. */
import { catchApiError, get } from "../kit/api.js";
import { fill, h, icon } from "../kit/dom.js";

/** @type {Record<string, string>} */
const TONES = { VERIFIED: "good", "VERIFIED WITH GAPS": "warn", "NOT VERIFIED": "bad" };
/** @type {Record<string, string>} */
const MARKS = { good: "check", warn: "alert", bad: "cross" };

/** @param {string} key of the story */
export function createReceipt(key) {
  const el = h("div");
  const url = `/api/stories/${encodeURIComponent(key)}/receipt`;
  let drawn = "";
  return {
    el,
    /** Reads it again where another commit has one. @param {Record<string, any>} dossier */
    update({ receipt }) {
      if (receipt && receipt !== drawn) read();
      drawn = receipt ?? "";
      return receipt ? 1 : 0;
    },
  };

  async function read() {
    fill(el, h("p", { class: "empty", text: "Checking" }));
    const found = await catchApiError(get(url), (error) => error);
    fill(el, ...(found instanceof Error ? [h("p", { class: "wrong", text: found.message })] : parts(url, found)));
  }
}

/** @param {string} url @param {any} found the answer of the server @returns {Node[]} */
function parts(url, { commit, noted_at: noted, result }) {
  const place = noted ? "in the git note beside it" : "in the records, and not noted beside it yet";
  const rows = [
    line(TONES[result.answer], `${result.answer}: the receipt of ${commit.slice(0, 10)} is kept ${place}.`),
    ...result.proved.map((/** @type {string} */ words) => line("good", words)),
    ...result.gaps.map((/** @type {string} */ words) => line("warn", words)),
    ...result.differs.map((/** @type {string} */ words) => line("bad", words)),
  ];
  const href = `${url}?download=1`;
  const file = h("a", { class: "button small", href, download: "" }, icon("down"), h("span", { text: "Receipt" }));
  return [h("ul", { class: "evidence" }, ...rows), h("p", {}, file)];
}

/** @param {string} tone @param {string} words */
function line(tone, words) {
  return h("li", { "data-tone": tone }, icon(MARKS[tone]), h("span", { text: words }));
}
