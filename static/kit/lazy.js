// @ts-check
/**
 * Parts of the page that load on use: their modules, and the styles of all of them with the first. A part that cannot be
 * loaded is tried again at its next use.
 */
import { h } from "./dom.js";
import { toast } from "./toast.js";

/** The styles, once they are wanted. @type {Promise<unknown> | null} */
let styles = null;

/**
 * A part that is made when it is first used.
 * @template M
 * @template T
 */
export class Lazy {
  /** The part, once it is made. @type {T | null} */ value = null;
  /** Whether the last try to load it has failed. */ failed = false;
  #load;
  #make;
  /** @type {Promise<T | null> | null} */ #made = null;

  /** @param {() => Promise<M>} load imports its module @param {(module: M) => T} make */
  constructor(load, make) {
    this.#load = load;
    this.#make = make;
  }

  /** Whether it was used. */
  get used() {
    return this.#made !== null;
  }

  /** Reads its module, so that its first use does not wait. @returns {Promise<unknown>} */
  prefetch() {
    return withStyles(this.#load).catch(() => null);
  }

  /**
   * Makes the part if it is not made, and calls a function with it, in the order of the calls.
   * @param {(part: T) => unknown} [run]
   * @returns {Promise<boolean>} whether it could be loaded
   */
  async use(run) {
    if (this.value) return (run?.(this.value), true);
    this.#made ??= this.#begin();
    const part = await this.#made;
    if (part) run?.(part);
    return part !== null;
  }

  /** Calls a function with the part if it is used. @param {(part: T) => unknown} run */
  useIfUsed(run) {
    if (this.used) void this.use(run);
  }

  async #begin() {
    const module = await withStyles(this.#load).catch(() => null);
    this.failed = module === null;
    if (module === null) this.#made = null;
    else this.value = this.#make(module);
    return this.value;
  }
}

/**
 * A module that is used once in a while; where it cannot be loaded the page says so.
 * @template M
 * @param {() => Promise<M>} load imports it
 * @returns {Promise<M | null>}
 */
export async function loadPart(load) {
  const module = await withStyles(load).catch(() => null);
  if (module === null) toast(lazyFailure(), "bad");
  return module;
}

/** Whether everything was read before its use, or is not to be. */
let prefetched = false;

/**
 * Reads parts before they are used, one after the other, while nothing else is to do; once.
 * @param {Lazy<any, any>[]} parts
 */
export async function prefetch(parts) {
  const { connection } = /** @type {{connection?: {saveData: boolean}}} */ (navigator);
  if (prefetched || connection?.saveData) return;
  prefetched = true;
  for (const part of parts) {
    await new Promise((done) => ("requestIdleCallback" in window ? requestIdleCallback(done) : setTimeout(done, 200)));
    await part.prefetch();
  }
}

/** Why a part could not be loaded: without a connection, or because the server has another page by now. */
export function lazyFailure() {
  return "old" in document.documentElement.dataset
    ? "This part of the page is not loaded yet, and there is no connection to the server."
    : "This page is older than its server. Reload it to see this part.";
}

/** @template M @param {() => Promise<M>} load @returns {Promise<M>} */
async function withStyles(load) {
  styles ??= loadStyles();
  const [module] = await Promise.all([load(), styles]);
  return module;
}

/** Reads the styles that the page names, into their place, which decides on which rule wins. */
async function loadStyles() {
  const place = /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=late-styles]"));
  const link = h("link", { rel: "stylesheet", href: place.content });
  const read = new Promise((done, fail) => {
    link.addEventListener("load", done, { once: true });
    link.addEventListener("error", () => fail(new Error("the styles could not be read")), { once: true });
  });
  place.after(link);
  try {
    await read;
  } catch (error) {
    styles = null;
    link.remove();
    throw error;
  }
}
