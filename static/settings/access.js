// @ts-check
/**
 * Who else has access, in the Settings tab: a code that pairs a phone, links for readers, and the list of both, each of
 * which can be revoked.
 */
import { catchApiError, get, post } from "../kit/api.js";
import { attr, fill, h, list, show, text } from "../kit/dom.js";
import { clock, day } from "../kit/format.js";
import { isReader, READER_WORDS } from "../kit/role.js";
import { serverNow } from "../kit/server-clock.js";
import { announce, toast } from "../kit/toast.js";
import { qrCode } from "./qr-code.js";

/**
 * @typedef {{id: number, kind: "device" | "link", role: "operator" | "reader", name: string, made_at: number,
 *   seen_at: number | null, own: boolean}} Grant
 * @typedef {{role: string, grants: Grant[], token: boolean, reader_token: boolean, address: string | null,
 *   note: string | null}} Access of `GET /api/access`
 */

export class AccessPanel {
  #note = h("p", { class: "access-note" });
  #rows = h("ul", { class: "access-list", "aria-label": "Devices and links" });
  #shown = h("div", { class: "access-shown", role: "status" });
  #role = h(
    "select",
    { "aria-label": "What the phone may do" },
    h("option", { value: "operator", text: "may do everything" }),
    h("option", { value: "reader", text: "only reads" }),
  );
  #pair = button("Pair a phone", () => this.#showCode());
  #link = button("Make a reader’s link", () => this.#makeLink());
  #list = list(
    this.#rows,
    (/** @type {Grant} */ grant) => grant.id,
    (grant) => createRow(grant, () => this.#revoke(grant)),
  );
  /** The newest grant when a code was shown; null while none is. @type {number | null} */ #newest = null;
  #ends = 0;
  el = h(
    "section",
    { class: "setting-group access", "aria-labelledby": "access-title" },
    h("h3", { id: "access-title", text: "Phones and readers" }),
    h(
      "div",
      { class: "access-body" },
      this.#note,
      h("div", { class: "access-actions", "data-verb": true }, this.#pair, this.#role, this.#link),
      this.#shown,
      this.#rows,
    ),
  );

  /** Reads who has access. */
  async read() {
    const access = /** @type {Access | null} */ (await catchApiError(get("/api/access")));
    if (access) this.#draw(access);
  }

  /** @param {string} query in lower case @returns {boolean} whether it matches */
  filter(query) {
    return !query || (this.el.textContent ?? "").toLowerCase().includes(query);
  }

  /** @param {Access} access */
  #draw({ grants, note, token, reader_token: readers, address }) {
    const words = isReader ? READER_WORDS : note;
    const settings = readers ? "The settings have a token for readers, which works until it is taken out of them." : "";
    text(this.#note, [words, settings].filter(Boolean).join(" "));
    show(this.#note, Boolean(this.#note.textContent));
    for (const el of [this.#pair, this.#role]) show(el, token && address !== null);
    show(this.#link, token);
    this.#list.render(grants);
    const newest = grants.at(-1);
    if (this.#newest !== null && newest && newest.id > this.#newest && newest.kind === "device") {
      this.#close();
      toast(`Paired: ${newest.name}.`, "good");
    } else if (this.#newest !== null && serverNow() > this.#ends) {
      this.#close();
      text(this.#shown, "The minute is over. Show another code when the phone is ready.");
    }
  }

  #close() {
    this.#newest = null;
    fill(this.#shown);
  }

  async #showCode() {
    const code = await catchApiError(post("/api/access/pair", { role: this.#role.value }), refused);
    if (!code) return;
    const access = /** @type {Access | null} */ (await catchApiError(get("/api/access")));
    this.#newest = access?.grants.at(-1)?.id ?? 0;
    this.#ends = serverNow() + code.seconds * 1000;
    const words = "Scan this with the phone’s camera. It works once, for one minute.";
    fill(this.#shown, h("p", { text: words }), qrCode(code.size, code.path), h("p", {}, h("code", { text: code.url })));
    announce(words);
    this.#shown.scrollIntoView({ block: "nearest" });
  }

  async #makeLink() {
    const name = `Link of ${day(serverNow())} ${clock(serverNow())}`;
    const made = await catchApiError(post("/api/access/links", { name }), refused);
    if (!made) return;
    this.#newest = null;
    const field = h("input", { type: "text", readonly: true, value: made.url, "aria-label": "The reader’s link" });
    field.addEventListener("focus", () => field.select());
    fill(
      this.#shown,
      h("p", { text: "Who has this link sees everything and changes nothing. It is shown once." }),
      field,
    );
    field.focus();
    await this.read();
  }

  /** @param {Grant} grant */
  async #revoke({ id, name }) {
    const access = await catchApiError(post(`/api/access/${id}/revoke`), refused);
    if (!access) return;
    this.#draw(access);
    toast(`Revoked: ${name}. Its open pages are closed.`, "good");
  }
}

/** @param {import("../kit/api.js").ApiError} error */
function refused(error) {
  toast(error.message, "bad");
  return null;
}

/** @param {Grant} grant @param {() => void} revoke */
function createRow({ id, kind, role, name, own }, revoke) {
  const seen = h("span", { class: "soft" });
  const what = kind === "device" ? "device" : "link";
  const may = role === "operator" ? "may do everything" : "only reads";
  const words = h("span", { class: "soft", text: `${what}, ${may}${own ? ", this one" : ""}` });
  const label = { "aria-label": `Revoke ${name}` };
  const end = h("button", { type: "button", class: "button small", text: "Revoke", "data-verb": true, ...label });
  end.addEventListener("click", () => {
    attr(end, "aria-disabled", true);
    revoke();
  });
  return {
    el: h("li", { "data-grant": id }, h("b", { text: name }), words, seen, end),
    /** @param {Grant} grant */
    update(grant) {
      const at = grant.seen_at;
      text(seen, at ? `last seen ${day(at)} ${clock(at)}` : "not used yet");
    },
  };
}

/** @param {string} words @param {() => unknown} click */
function button(words, click) {
  return h("button", { type: "button", class: "button small", text: words, on: { click } });
}
