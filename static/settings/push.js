// @ts-check
/** Messages to devices whose page is closed, in the Settings tab: on and off for this one, a test, the list of all. */
import { catchApiError, get, post } from "../kit/api.js";
import { basePath } from "../kit/base-path.js";
import { h, list, show, text } from "../kit/dom.js";
import { day } from "../kit/format.js";
import { toast } from "../kit/toast.js";

/**
 * @typedef {{id: number, name: string, made_at: number, digest: string}} Device
 * @typedef {{missing: string | null, devices: Device[]}} PushState of `GET /api/push`
 */

const WORKER = "/service-worker.js";
const NO_WAY =
  "Messages to this device need a browser that can get them, and a page opened over https or as localhost.";

/** The one address that may become a script of a worker: the page's policy allows no other. */
const scriptUrl = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("service-worker", {
  createScriptURL: () => WORKER,
});

export class PushPanel {
  #note = h("p", { class: "access-note" });
  #rows = h("ul", { class: "access-list", "aria-label": "Devices that get messages" });
  #toggle = h("button", { type: "button", class: "button small", "data-verb": true, hidden: true });
  /** This device, where it gets messages. @type {Device | undefined} */ #own;
  #busy = false;
  #list = list(
    this.#rows,
    (/** @type {Device} */ device) => device.id,
    (device) => createRow(device, (path) => this.#send(device, path)),
  );
  el = h(
    "div",
    { class: "push" },
    h("h4", { text: "Messages while the page is closed" }),
    this.#note,
    this.#toggle,
    this.#rows,
  );

  constructor() {
    this.#toggle.addEventListener("click", () => void this.#switch());
  }

  /** Reads which devices get messages, this one among them. */
  async read() {
    const state = /** @type {PushState | null} */ (await catchApiError(get("/api/push")));
    if (state) await this.#draw(state);
  }

  /** @param {PushState} state */
  async #draw({ missing, devices }) {
    const digest = await digestOf((await ownSubscription())?.endpoint);
    this.#own = devices.find((device) => device.digest === digest);
    const possible = missing === null && canSubscribe();
    const said = "They say the project and what it is about, no more. They are sent when a webhook would be called.";
    text(this.#note, missing ?? (possible ? said : NO_WAY));
    show(this.#toggle, possible);
    text(this.#toggle, this.#own ? "Send no more to this device" : "Send messages to this device");
    this.#list.render(devices);
  }

  async #switch() {
    if (this.#busy) return;
    this.#busy = true;
    const work = this.#own ? unsubscribe(this.#own) : subscribe();
    const state = await catchApiError(work.catch(browserRefusal), (error) => void toast(error.message, "bad"));
    this.#busy = false;
    if (state) await this.#draw(state);
  }

  /** @param {Device} device @param {"remove" | "test"} what */
  async #send({ id, name }, what) {
    const answer = await catchApiError(post(`/api/push/${id}/${what}`), (error) => void toast(error.message, "bad"));
    if (answer && what === "test") toast(`A test was sent to ${name}.`, "good");
    await this.read();
  }
}

function canSubscribe() {
  // A worker belongs to a whole server: below a path it would take the messages of all runners for one.
  return (
    basePath === "" &&
    isSecureContext &&
    "serviceWorker" in navigator &&
    "PushManager" in window &&
    "Notification" in window
  );
}

/** @returns {Promise<PushSubscription | null | undefined>} */
async function ownSubscription() {
  if (!canSubscribe()) return null;
  return (await navigator.serviceWorker.getRegistration("/"))?.pushManager.getSubscription();
}

/** @returns {Promise<PushState | null>} null when the browser does not allow it */
async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") {
    toast("The browser does not allow notifications from this page. Its site settings can change that.", "bad");
    return null;
  }
  const { key } = await post("/api/push/key");
  const worker = await navigator.serviceWorker.register(scriptUrl?.createScriptURL(WORKER) ?? WORKER);
  await navigator.serviceWorker.ready;
  // One that was made with another key of the server would be refused.
  await (await worker.pushManager.getSubscription())?.unsubscribe();
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = made.toJSON();
  const name = /** @type {any} */ (navigator).userAgentData?.platform || "Browser";
  return post("/api/push", { endpoint, p256dh: keys?.p256dh, auth: keys?.auth, name });
}

/** @param {Device} own @returns {Promise<PushState>} */
async function unsubscribe({ id }) {
  await (await ownSubscription())?.unsubscribe();
  return post(`/api/push/${id}/remove`);
}

/** Shows why the browser refuses; a refusal of the server is thrown again. @param {unknown} error @returns {null} */
function browserRefusal(error) {
  if (!(error instanceof DOMException)) throw error;
  toast(`The browser gives no messages to this page: ${error.message}`, "bad");
  return null;
}

/** @param {string | undefined} endpoint @returns {Promise<string>} how the server names it */
async function digestOf(endpoint) {
  if (!endpoint) return "";
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Device} device @param {(what: "remove" | "test") => void} send */
function createRow({ name, made_at: at }, send) {
  const button = (/** @type {"remove" | "test"} */ what, /** @type {string} */ words) =>
    h("button", {
      type: "button",
      class: "button small",
      text: words,
      "data-verb": true,
      "aria-label": `${words}: ${name}`,
      on: { click: () => send(what) },
    });
  const since = h("span", { class: "soft", text: `since ${day(at)}` });
  const tools = h("span", { class: "access-tools" }, button("test", "Send a test"), button("remove", "Remove"));
  return { el: h("li", {}, h("b", { text: name }), since, tools), update() {} };
}
