"""The Agent Client Protocol (ACP): one adapter for every program that speaks JSON-RPC over its standard streams.

`protocol` has the messages, `connection` the requests and answers of one process, `session` the order of a call;
`reader` turns the recorded lines of both sides into records, so that a call that is watched and one that is read from
its recording are the same. `files`, `terminals`, `permissions` and `forms` are what the program may ask of us.
"""
