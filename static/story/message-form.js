// @ts-check
/** What the operator says to the agent of a running command; to one that takes no message, a hint for the next command. */
import { post } from "../kit/api.js";
import { fill, h, show, text } from "../kit/dom.js";
import { sendHint } from "../kit/hint-form.js";
import { TextForm } from "../kit/text-form.js";

const UNABLE = "This agent takes no message while it works. The story's next command gets what you write here.";
const STARTING = "The agent is starting. You can write now, and send it when the agent has reported something.";

/** @typedef {{waiting: string[], takes_messages: boolean | null, total: number}} Said what a transcript says of messages */

export class MessageForm {
  el;
  #takes = true;
  #hasStory;
  #form;
  #name;
  #waits = false;
  #note = h("p", { class: "soft" });
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
    this.#name = name;
    this.#updateForm();
    this.el = h("div", { class: "message-form", hidden: true }, this.#waiting, this.#note, this.#form.el);
    this.#hasStory = key !== "";
  }

  /** Puts what can be done instead of writing beside its button. @param {HTMLElement} verb */
  add(verb) {
    this.#form.el.append(verb);
  }

  #updateForm() {
    this.#form.update({
      label: `Message to the agent of ${this.#name}`,
      placeholder: "A message to the agent",
      button: "Send",
      missing: "Write a message first.",
      waits: this.#waits,
    });
  }

  /** Whether it waits to know if the agent takes messages, which no event says. */
  get waits() {
    return this.#hasStory && this.#waits;
  }

  /** @param {Said} said @param {boolean} isLive whether the command runs */
  update({ waiting, takes_messages: takes, total }, isLive) {
    this.#takes = takes !== false;
    // Before the first report nothing is known of the agent; the form is there, so that it does not appear under a hand.
    const waits = isLive && takes === null && total === 0;
    if (waits !== this.#waits) {
      this.#waits = waits;
      this.#updateForm();
    }
    const isOpen = isLive && (takes !== null || waits);
    fill(
      this.#waiting,
      ...waiting.map((words) => h("li", {}, h("span", { class: "soft", text: "not taken yet" }), words)),
    );
    show(this.#waiting, waiting.length > 0);
    text(this.#note, waits ? STARTING : UNABLE);
    show(this.#note, waits || takes === false);
    show(this.#form.el, isOpen);
    show(this.el, this.#hasStory && (isOpen || waiting.length > 0));
  }
}

/** @param {number} id @param {string} words @returns {Promise<string>} what was done */
async function sendMessage(id, words) {
  const { note } = await post(`/api/commands/${id}/message`, { text: words });
  return note ?? "Sent. It appears in the transcript when the agent takes it.";
}
