"""Access to the server, limits of its use, and the headers of every response.

`guard` checks Host, Origin, token and role of every request, `token` holds the tokens and counts wrong ones, `grants`
the accesses beside them, `pairing` the codes that pair a device, `links` signs addresses that do one thing once,
`headers` has the headers of every response, `connections` limits the number of connections and the time of a request,
`files` reads a file without following links out of its folder.
"""

from security.guard import CHANGING, RELAYED, VISITOR, Access, Guard, RequestRefused, protect
from security.headers import CSP, HEADERS, policy
from security.token import COOKIE, TokenAuth

__all__ = [
    "CHANGING",
    "COOKIE",
    "CSP",
    "HEADERS",
    "RELAYED",
    "VISITOR",
    "Access",
    "Guard",
    "RequestRefused",
    "TokenAuth",
    "policy",
    "protect",
]
