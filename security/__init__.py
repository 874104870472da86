"""Access to the server, limits of its use, and the headers of every response.

`guard` checks Host, Origin and token of every request, `token` knows the token and counts wrong ones, `headers` is what
every answer carries, `connections` bounds how many there are and how long they may take to ask, `files` opens a file
without being led out of its folder.
"""

from security.guard import CHANGING, Guard, RequestRefused, protect
from security.headers import CSP, HEADERS, policy
from security.token import COOKIE, TokenAuth

__all__ = ["CHANGING", "COOKIE", "CSP", "HEADERS", "Guard", "RequestRefused", "TokenAuth", "policy", "protect"]
