// @ts-check
/** Runs a function at most once per animation frame, and by a timer while the page is hidden: frames stop then. */

/** How often the function runs while the page is hidden, in ms. */
const HIDDEN_MS = 1000;

export class FrameLoop {
  #handle = 0;
  #isTimer = false;
  #run;

  /** @param {() => void} run */
  constructor(run) {
    this.#run = run;
    document.addEventListener("visibilitychange", () => this.#restart());
  }

  /** Runs the function in the next frame. */
  request() {
    if (this.#handle) return;
    this.#isTimer = document.hidden;
    const frame = () => {
      this.#handle = 0;
      this.#run();
    };
    this.#handle = this.#isTimer ? window.setTimeout(frame, HIDDEN_MS) : requestAnimationFrame(frame);
  }

  #restart() {
    if (this.#handle && this.#isTimer) clearTimeout(this.#handle);
    else if (this.#handle) cancelAnimationFrame(this.#handle);
    this.#handle = 0;
    this.request();
  }
}
