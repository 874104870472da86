"""The settings of the server's address and of who may reach it."""

from __future__ import annotations

from typing import Final

from settings.setting import Setting

ACCESS_SETTINGS: Final = (
    Setting("host", "address to listen on; any but a loopback address needs a token", editable=False, trust="always"),
    Setting(
        "port",
        "port to listen on, 0 for a free one; unless set, the next free one from the default on",
        "integer",
        0,
        65535,
        editable=False,
        trust="always",
    ),
    Setting(
        "token",
        "secret that every request must carry, of 16 characters or more",
        optional=True,
        editable=False,
        secret=True,
        trust="always",
    ),
    Setting(
        "reader_token",
        "secret of readers, who see everything and change nothing, of 16 characters or more",
        optional=True,
        editable=False,
        secret=True,
        trust="always",
    ),
    Setting(
        "public_url",
        "address under which phones reach the page, for QR codes and for links in messages",
        "url",
        optional=True,
        editable=False,
        trust="always",
    ),
    Setting("allowed_hosts", "further names the page may be opened under", "list", editable=False, trust="always"),
    Setting("cors_origin", "which origin may read the data files; none: no other one", editable=False, trust="always"),
    Setting("data_dir", "folder of the database and the transcripts", optional=True, editable=False, trust="always"),
)
