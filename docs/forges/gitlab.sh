#!/bin/sh
# What a merge request of GitLab says, for checks_command: `env REVIEWERS=ann,bob sh tools/gitlab.sh {url}`.
# Needs glab, logged in, and jq. Comments count that are not resolved, of the people whom REVIEWERS names.
set -eu
number=${1##*/}
request=$(glab api "projects/:fullpath/merge_requests/$number")
approval=$(glab api "projects/:fullpath/merge_requests/$number/approvals")

printf '%s' "$request" | jq -c --argjson approval "$approval" '
  { head: .sha },
  (if .state == "merged" then { merged: true } elif .state == "closed" then { closed: true } else empty end),
  (if $approval.approved and ($approval.approved_by | length > 0) then { approved: true } else empty end),
  (.head_pipeline | select(. != null) | {
    check: "pipeline",
    state: (if .status == "success" or .status == "skipped" then "green"
      elif .status == "failed" or .status == "canceled" then "red" else "pending" end),
    log: .web_url
  })'

printf '%s' "$request" | jq -r '.head_pipeline | select(. != null and .status == "failed") | .id' |
  while read -r pipeline; do
    glab api "projects/:fullpath/pipelines/$pipeline/jobs?scope[]=failed" | jq -r '.[].id' | while read -r job; do
      glab api "projects/:fullpath/jobs/$job/trace" | tail -c 12000 |
        jq -Rsc --arg job "$job" '{ check: "the log of job \($job)", state: "red", log: . }'
    done
  done

glab api --paginate "projects/:fullpath/merge_requests/$number/notes" |
  jq -c --arg reviewers "${REVIEWERS:-}" '.[]
    | select(.system | not) | select(.resolvable and (.resolved | not))
    | select(.author.username | IN($reviewers | split(",")[]))
    | { comment: .body, id: "note-\(.id)", path: .position.new_path?, line: .position.new_line?, author: .author.username }'
