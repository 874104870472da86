// @ts-check
/** The topics of the Settings, each a page: which settings it has. Those that none names are in the last. Pure. */

/** @typedef {import("./setting-format.js").Setting} Setting */
/** @typedef {{id: string, title: string, words: string, names: string[]}} Topic */

/** @type {Topic[]} */
export const TOPICS = [
  {
    id: "agents",
    title: "Agents",
    words: "Who works: the agents in their order, and another agent or model for single commands.",
    names: ["agent", "commands", "agents", "prices"],
  },
  {
    id: "workflow",
    title: "Workflow",
    words: "How a story is worked on, what must pass, and where the run waits for you.",
    names: [
      ...[
        "workflow",
        "gates",
        "verify",
        "verify_on",
        "default_batch_size",
        "parallel",
        "parallel_here",
        "worker_labels",
        "worktree_setup",
        "story_order",
      ],
      ...["close_epics", "max_code_review_attempts", "light_model_after_review", "code_review_after_build"],
      ...["retries", "project_context_max_age_hours", "workflows"],
    ],
  },
  {
    id: "limits",
    title: "Limits and budgets",
    words: "What a batch, a day, a story or a command may cost, and when one takes too long.",
    names: [
      ...["budget_batch_usd", "budget_day_usd", "budget_batch_tokens", "budget_day_tokens", "budget_story_usd"],
      ...["budget_story_tokens", "budget_command_usd", "budget_command_tokens", "budget_needs_prices"],
      ...["no_progress_usd", "no_progress_commands", "reserve_percent", "reserve_hours"],
      ...["command_timeout_min", "silence_timeout_min"],
    ],
  },
  {
    id: "schedule",
    title: "Schedule",
    words: "When commands start, and how long the run waits for you.",
    names: ["active_hours", "question_timeout_min", "auto_resume", "keep_awake"],
  },
  {
    id: "delivery",
    title: "Commits and delivery",
    words: "Where finished work goes, and what is kept beside its commit.",
    names: [
      ...["commit_by", "commit_per", "deliver", "deliver_per", "deliver_branch", "deliver_base", "deliver_rounds"],
      ...["merge_when", "checks_interval_s", "remote", "pull_request_command", "pull_request_lookup_command"],
      ...["checks_command", "merge_command", "receipt_notes", "receipt_trailer", "receipt_key"],
    ],
  },
  {
    id: "notifications",
    title: "Notifications",
    words: "Where it is reported that the run needs you or has ended.",
    names: ["notify_webhook", "notify_command", "notify_secret"],
  },
  {
    id: "access",
    title: "Access",
    words: "Who reaches this page, and what they may do.",
    names: ["token", "reader_token", "public_url", "allowed_hosts", "cors_origin"],
  },
  {
    id: "fleet",
    title: "Fleet",
    words: "One page for runners on many machines, and how this one is seen there.",
    names: [
      "fleet",
      "fleet_name",
      "fleet_machine",
      "fleet_accounts",
      "fleet_user",
      "fleet_password",
      "fleet_creds",
      "fleet_nkey",
    ],
  },
  { id: "appearance", title: "Appearance", words: "Kept in this browser only; it counts at once.", names: [] },
  { id: "prompts", title: "Prompts", words: "What the agents are asked, command by command.", names: [] },
  {
    id: "server",
    title: "Server and records",
    words: "Where the server listens, what it reads and how long it keeps records.",
    names: [],
  },
];

/** @param {Setting[]} settings @returns {(Topic & {settings: Setting[]})[]} those with settings, by topic */
export function grouped(settings) {
  const rest = TOPICS[TOPICS.length - 1];
  const home = (/** @type {Setting} */ { name }) => TOPICS.find(({ names }) => names.includes(name)) ?? rest;
  return TOPICS.map((topic) => ({
    ...topic,
    settings: settings
      .filter((setting) => home(setting) === topic)
      .sort((a, b) => topic.names.indexOf(a.name) - topic.names.indexOf(b.name)),
  })).filter((topic) => topic.settings.length > 0);
}
