#!/bin/sh
# What a pull request of GitHub says, for checks_command: `sh tools/github.sh {url}`.
# Needs gh, logged in, and jq. Comments count that stand beside lines or request changes, of people who may write here.
set -eu
number=${1##*/}
failed='((.conclusion // .state) as $result | $result != null and $result != "" and
  (["SUCCESS", "NEUTRAL", "SKIPPED", "PENDING", "EXPECTED"] | index($result) | not))'

view=$(gh pr view "$1" --json headRefOid,state,reviewDecision,statusCheckRollup)
printf '%s' "$view" | jq -c '
  { head: .headRefOid },
  (if .state == "MERGED" then { merged: true } elif .state == "CLOSED" then { closed: true } else empty end),
  (if .reviewDecision == "APPROVED" then { approved: true } else empty end),
  (.statusCheckRollup[]? | {
    check: (.name // .context),
    state: (if '"$failed"' then "red"
      elif ((.conclusion // .state) as $result | ["SUCCESS", "NEUTRAL", "SKIPPED"] | index($result)) then "green"
      else "pending" end),
    log: (.detailsUrl // .targetUrl // "")
  })'

printf '%s' "$view" | jq -r '.statusCheckRollup[]? | select('"$failed"') | .detailsUrl // ""' |
  sed -n 's|.*/actions/runs/[0-9]*/job/\([0-9]*\).*|\1|p' | while read -r job; do
    gh run view --job "$job" --log-failed | tail -c 12000 |
      jq -Rsc --arg job "$job" '{ check: "the log of job \($job)", state: "red", log: . }'
  done

ours='select(.author_association | IN("OWNER", "MEMBER", "COLLABORATOR")) | select(.user.type != "Bot")'
gh api --paginate "repos/{owner}/{repo}/pulls/$number/comments" |
  jq -c '.[] | '"$ours"' | { comment: .body, id: "line-\(.id)", path: .path, line: .line, author: .user.login }'
gh api --paginate "repos/{owner}/{repo}/pulls/$number/reviews" |
  jq -c '.[] | '"$ours"' | select(.state == "CHANGES_REQUESTED" and .body != "")
    | { comment: .body, id: "review-\(.id)", author: .user.login }'
