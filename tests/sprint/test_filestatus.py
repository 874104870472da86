"""A status changed in a story's own file."""

import pytest

from sprint import Refused
from sprint.filestatus import edited

PLACES = [
    ("# T\n\nStatus: Draft\n\n## Story\nStatus: Draft\n", "# T\n\nStatus: Done\n\n## Story\nStatus: Draft\n"),
    ("# T\r\n\r\n## Status\r\n\r\nApproved\r\n", "# T\r\n\r\n## Status\r\n\r\nDone\r\n"),
    ("# T\n\n## Status: review\n", "# T\n\n## Status: Done\n"),
    ("# T\n\n**Status:** review\n", "# T\n\n**Status:** Done\n"),
    ("# T\n\n| Status | review |\n", "# T\n\n| Status | Done |\n"),
    ("# T\n\n- Status: review\n", "# T\n\n- Status: Done\n"),
    (
        "---\ntitle: status\nstatus: 'draft' # draft | done\n---\n# T\n",
        "---\ntitle: status\nstatus: 'Done' # draft | done\n---\n# T\n",
    ),
    ("\ufeff---\nstatus: draft\n---\n", "\ufeff---\nstatus: Done\n---\n"),
]


@pytest.mark.parametrize(("before", "after"), PLACES)
def test_one_word_changes_and_nothing_else(before: str, after: str) -> None:
    assert edited(before.encode(), "Done") == after.encode()


@pytest.mark.parametrize(
    "text",
    [
        "# T\n",
        "---\nstatus: done\n---\n# T\n\nStatus: review\n",
        "---\nstatus: draft\nstatus: review\n---\n",
        "",
    ],
)
def test_what_is_not_clear_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        edited(text.encode(), "Done")
