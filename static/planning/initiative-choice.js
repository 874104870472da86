// @ts-check
/** The initiative of a project with tickets: which one is shown, and the choice of another one between batches. */
import { catchApiError, get, put } from "../kit/api.js";
import { attr, byId, fill, h, show, text } from "../kit/dom.js";
import { isReader } from "../kit/role.js";
import { toast } from "../kit/toast.js";

/**
 * @typedef {{name: string, title: string}} Initiative
 * @typedef {{current: string | null, configured: string, chosen: string | null, initiatives: Initiative[],
 *   locked: string | null}} Initiatives of `GET /api/plan/initiatives`
 */

const KEPT = "A run keeps the initiative that it began with.";

export class InitiativeChoice {
  #select = /** @type {HTMLSelectElement} */ (byId("board-initiative"));
  #note = byId("initiative-note");
  /** @type {Initiatives | null} */ #found = null;
  /** The reading of the plan for which they were read last. @type {unknown} */ #readFor = null;
  #isIdle = true;

  constructor() {
    this.#select.addEventListener("change", () => void this.#choose(this.#select.value));
  }

  /** @param {import("../shell/model.js").Model} model */
  render({ plan, run, link, replaying }) {
    this.#isIdle = run.state === "idle" && !link.lost && !replaying && !isReader;
    this.#drawState();
    if (plan.sprint === this.#readFor) return;
    this.#readFor = plan.sprint;
    if (plan.sprint?.kind === "tickets") void this.#read();
    else this.#draw(null);
  }

  async #read() {
    this.#draw(await catchApiError(get("/api/plan/initiatives")));
  }

  /** @param {Initiatives | null} found */
  #draw(found) {
    this.#found = found;
    const names = found?.initiatives ?? [];
    show(byId("initiative"), names.length > 1);
    fill(this.#select, ...names.map((one) => createOption(one, found?.configured ?? "")));
    this.#select.value = found?.current ?? "";
    this.#drawState();
  }

  #drawState() {
    const why = this.#found?.locked ?? (this.#isIdle ? "" : KEPT);
    this.#select.disabled = Boolean(why);
    text(this.#note, why);
    show(this.#note, Boolean(why) && (this.#found?.initiatives.length ?? 0) > 1);
    attr(this.#select, "aria-describedby", why ? "initiative-note" : null);
  }

  /** @param {string} name */
  async #choose(name) {
    // That of BMAD's own configuration is followed, also when it names another one later.
    const initiative = name === this.#found?.configured ? null : name;
    const used = await catchApiError(put("/api/plan/initiative", { initiative }), (error) => {
      toast(error.message, "bad");
      return null;
    });
    if (used) toast(`The Board shows ${used.initiative ?? used.tracker}, and the next run works on it.`, "good");
    await this.#read();
  }
}

/** @param {Initiative} initiative @param {string} configured */
function createOption({ name, title }, configured) {
  const words = [name, title && `, ${title}`, name === configured && " (as configured)"].filter(Boolean).join("");
  return h("option", { value: name, text: words });
}
