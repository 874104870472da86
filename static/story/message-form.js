// @ts-check
/** What the operator says to the agent of a running command; to one that takes no message, a hint for the next command. */
import { post } from "../kit/api.js";
import { fill, h, show } from "../kit/dom.js";
import { sendHint } from "../kit/hint-form.js";
import { TextForm } from "../kit/text-form.js";

const UNABLE = "This agent takes no message while it works. The story's next command gets what you write here.";

/** @typedef {{waiting: string[], takes_messages: boolean | null}} Said what a transcript says of messages */

export class MessageForm {
  el;
  #takes = true;
  #hasStory;
  #form;
  #unable = h("p", { class: "soft", text: UNABLE });
  #waiting = h("ul", { class: "waiting-messages", "aria-label": "Messages that the agent has not taken yet" });

  /**
   * @param {number} id of the command
   * @param {string} name of the command
   * @param {string} key of its story, "" for none
   * @param {() => void} onSent
   */
  constructor(id, name, key, onSent) {
    this.#form = new TextForm(async (words) => {
      const done = this.#takes ? await sendMessage(id, words) : await sendHint(key, words);
      onSent();
      return done;
    });
    this.#form.update({
      label: `Message to the agent of ${name}`,
      placeholder: "A message to the agent",
      button: "Send",
      missing: "Write a message first.",
    });
    this.el = h("div", { class: "message-form", hidden: true }, this.#waiting, this.#unable, this.#form.el);
    this.#hasStory = key !== "";
  }

  /** Puts what can be done instead of writing beside its button. @param {HTMLElement} verb */
  add(verb) {
    this.#form.el.append(verb);
  }

  /** @param {Said} said @param {boolean} isLive whether the command runs */
  update({ waiting, takes_messages: takes }, isLive) {
    this.#takes = takes !== false;
    fill(
      this.#waiting,
      ...waiting.map((text) => h("li", {}, h("span", { class: "soft", text: "not taken yet" }), text)),
    );
    show(this.#waiting, waiting.length > 0);
    show(this.#unable, takes === false);
    show(this.#form.el, isLive && takes !== null);
    show(this.el, this.#hasStory && ((isLive && takes !== null) || waiting.length > 0));
  }
}

/** @param {number} id @param {string} words @returns {Promise<string>} what was done */
async function sendMessage(id, words) {
  const { note } = await post(`/api/commands/${id}/message`, { text: words });
  return note ?? "Sent. It appears in the transcript when the agent takes it.";
}
