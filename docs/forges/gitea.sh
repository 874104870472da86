#!/bin/sh
# What a pull request of Gitea or Forgejo says, for checks_command: `env REVIEWERS=ann,bob sh tools/gitea.sh {url}`.
# Needs tea with its command `api`, logged in, and jq. Comments count of the people whom REVIEWERS names.
# `sh tools/gitea.sh lookup {branch}` is for pull_request_lookup_command.
set -eu
if [ "$1" = lookup ]; then
  tea api "/repos/{owner}/{repo}/pulls?state=open" |
    jq -r --arg branch "$2" '.[] | select(.head.ref == $branch) | .html_url'
  exit
fi
number=${1##*/}
request=$(tea api "/repos/{owner}/{repo}/pulls/$number")
head=$(printf '%s' "$request" | jq -r .head.sha)

printf '%s' "$request" | jq -c '
  { head: .head.sha },
  (if .merged then { merged: true } elif .state == "closed" then { closed: true } else empty end)'

tea api "/repos/{owner}/{repo}/commits/$head/status" | jq -c '.statuses[]? | {
  check: .context,
  state: (if .status == "success" or .status == "warning" or .status == "skipped" then "green"
    elif .status == "pending" then "pending" else "red" end),
  log: "\(.description) \(.target_url)"
}'

reviews=$(tea api "/repos/{owner}/{repo}/pulls/$number/reviews" |
  jq -c --arg reviewers "${REVIEWERS:-}" '[.[] | select(.user.login | IN($reviewers | split(",")[]))]')
printf '%s' "$reviews" | jq -c '
  (if any(.[]; .state == "APPROVED" and (.dismissed | not)) then { approved: true } else empty end),
  (.[] | select(.state == "REQUEST_CHANGES" and .body != "")
    | { comment: .body, id: "review-\(.id)", author: .user.login })'
printf '%s' "$reviews" | jq -r '.[] | select(.comments_count > 0) | .id' | while read -r review; do
  tea api "/repos/{owner}/{repo}/pulls/$number/reviews/$review/comments" |
    jq -c '.[] | { comment: .body, id: "line-\(.id)", path: .path, line: .position, author: .user.login }'
done
