// @ts-check
/** The chosen line of the log in full: to read, to copy, and to point others to. */

import { attr, byId, show, text } from "../kit/dom.js";
import { clock, count, day } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";

/** @typedef {import("./log-line.js").Line} Line */

/** @param {Line} line as one line of text, its parts apart by tabs */
export function asText(line) {
  return [clock(line.at), line.story, line.command, line.task, line.status, line.message].join("\t");
}

/** @param {{close: () => void}} actions */
export function createDetail(actions) {
  /** @type {Line | null} */
  let shown = null;

  const detail = {
    /** @param {Line | null} line */
    show(line) {
      shown = line;
      show(byId("log-detail"), line !== null);
      if (!line) return;
      const head = [
        `${day(line.at)} ${clock(line.at)}`,
        [line.story, ...line.others].filter(Boolean).join(", "),
        line.command,
        line.task,
        line.status,
        `line ${count(line.seq)}`,
      ];
      text(byId("log-detail-head"), head.filter(Boolean).join(" · "));
      text(byId("log-detail-text"), line.message);
      const transcript = byId("log-transcript");
      show(transcript, Boolean(line.of && line.story));
      attr(
        transcript,
        "href",
        `#run?${new URLSearchParams({ ...Object.fromEntries(urlParams()), story: line.story, transcript: String(line.of) })}`,
      );
    },
    copy: () => shown && copyText(asText(shown), "Line copied"),
    /** The address of this page with this line in it, which is what is in the address bar. */
    link() {
      if (!shown) return;
      setUrlParams({ line: String(shown.seq) });
      copyText(location.href, "Link copied: it opens the log at this line");
    },
  };

  byId("log-copy").addEventListener("click", detail.copy);
  byId("log-link").addEventListener("click", detail.link);
  byId("log-detail-close").addEventListener("click", actions.close);
  return detail;
}

/** @param {string} words @param {string} done */
export async function copyText(words, done) {
  try {
    await navigator.clipboard.writeText(words);
    toast(done);
  } catch {
    toast("The browser does not allow copying here; select the text instead.", "bad");
  }
}
