"""Access to the server, limits of its use, and the headers of every response.

`guard` checks Host, Origin and token of every request, `token` holds the token and counts wrong ones, `headers` has the
headers of every response, `connections` limits the number of connections and the time of a request, `files` reads a
file without following links out of its folder.
"""

from security.guard import CHANGING, Guard, RequestRefused, protect
from security.headers import CSP, HEADERS, policy
from security.token import COOKIE, TokenAuth

__all__ = ["CHANGING", "COOKIE", "CSP", "HEADERS", "Guard", "RequestRefused", "TokenAuth", "policy", "protect"]
