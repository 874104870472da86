"""Runners on many machines, through a NATS server with JetStream: the extra `sprint-runner[fleet]`.

`broker` is the connection and the only module with the package, `names` has subjects, streams and limits. Of a runner:
`runner` keeps it in its fleet, `outbox` publishes its events, `presence` says that it is there, `requests` answers,
`shared_quota` shares what is left of accounts. Of who reads: `stream_source` is the way to such runners.
"""
