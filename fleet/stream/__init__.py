"""Runners on many machines, through a NATS server with JetStream: the extra `sprint-runner[fleet]`.

`connection`, `objects` and `problems` alone use the package; `keys` are logins without a password. `broker` has
streams, `names` subjects and limits. Of a runner: `runner` keeps it in its fleet, `outbox` publishes its events,
`presence` says that it is there, `requests` answers, `shared_quota` shares what is left of accounts. Of who reads:
`source` is the way to such runners, `remote` one of them, `delivery` its events.
"""
