// @ts-check
/**
 * Desktop notifications for an operator who is away: when the run needs an answer, and when a batch has ended.
 * Off until the operator switches them on; the browser is asked once, by that switch.
 */
import { attr, byId, setIcon } from "../kit/dom.js";
import { readStored, writeStored } from "../kit/storage.js";
import { toast } from "../kit/toast.js";
import { visible } from "../kit/visible.js";

/** @typedef {import("../state.js").Envelope} Envelope */

/** Most notes that are shown at once; after a long sleep only the newest matter. */
const NOTES_MOST = 3;

/** @param {() => string} projectName */
export function createNotifications(projectName) {
  const button = byId("notify");
  const glyph = button.querySelector("svg");
  let on = readStored("notify", "") === "on" && allowed();

  function render() {
    const words = on ? "Desktop notifications are on" : "Desktop notifications are off";
    attr(button, "aria-pressed", String(on));
    attr(button, "aria-label", "Desktop notifications");
    attr(button, "title", `${words}: when the run needs you, and when a batch has ended`);
    if (glyph) setIcon(glyph, on ? "bell" : "bell-off");
  }

  async function toggle() {
    if (!on && !(await permitted())) {
      return toast(
        "The browser does not allow notifications from this page. Its site settings can change that.",
        "bad",
      );
    }
    on = !on;
    writeStored("notify", on ? "on" : null);
    toast(
      on ? "You are notified when the run needs you and when a batch has ended." : "Desktop notifications are off.",
    );
    render();
  }

  button.addEventListener("click", toggle);
  render();
  return {
    toggle,
    /** @param {readonly Envelope[]} events that have just happened */
    notify(events) {
      if (!on || (!document.hidden && document.hasFocus())) return;
      for (const event of events
        .filter(({ type }) => type === "attention" || type === "batch:end")
        .slice(-NOTES_MOST)) {
        tell(`${notificationText(event).title} · ${projectName()}`, notificationText(event).body, `${event.seq}`);
      }
    },
  };
}

/** The text of a note. @param {Envelope} event */
export function notificationText({ type, payload: p }) {
  if (type === "attention")
    return { title: p.kind === "question" ? "The agent asks" : "Needs you", body: String(p.message) };
  const ended =
    { completed: "Batch finished", stopped: "Batch stopped", error: "Batch failed" }[String(p.status)] ?? "Batch ended";
  return {
    title: ended,
    body: p.reason
      ? String(p.reason)
      : `Batch ${p.batch_id}, ${p.cycles_completed} ${p.cycles_completed === 1 ? "group" : "groups"} completed.`,
  };
}

function allowed() {
  return "Notification" in window && Notification.permission === "granted";
}

async function permitted() {
  if (!("Notification" in window)) return false;
  return allowed() || (await Notification.requestPermission()) === "granted";
}

/**
 * @param {string} title
 * @param {string} body
 * @param {string} tag one note for each event, however many pages are open
 */
function tell(title, body, tag) {
  try {
    const note = new Notification(visible(title), {
      body: visible(body),
      tag: `sprint-runner-${tag}`,
      icon: "/static/shell/favicon.svg",
    });
    note.addEventListener("click", () => {
      window.focus();
      note.close();
    });
  } catch {
    // Some browsers allow notes from service workers only; the title and the icon of the page still change.
  }
}
