"""The laws, over trackers that hypothesis makes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sprint import laws

KEYS = st.one_of(
    st.from_regex(r"[1-9][0-9]?[ab]?-[1-9][0-9]?[ab]?-[a-z]{1,8}(-[a-z0-9]{1,6}){0,3}", fullmatch=True),
    st.from_regex(r"epic-[1-9](-[1-9])?", fullmatch=True),
    st.from_regex(r"epic-[1-9]-retrospective", fullmatch=True),
    st.sampled_from(["STORY-7", "orch-epic-1", "orch-1-1-x", "2.5-1-y", "epic-2.5", "4-4-7-day-table", "notes"]),
)
STATUSES = st.sampled_from(
    [
        *("backlog", "ready-for-dev", "in-progress", "review", "done", "blocked", "drafted", "contexted", "optional"),
        *("deferred", "In Progress", "docs/a.yaml", "sprint-2", "completed"),
    ]
)
QUOTES = st.sampled_from(["", "", "", "'", '"'])
COMMENTS = st.sampled_from(["", "", "  # done: yes", " # é ✅ 'x'", "\t# tab", "                # status: done", " "])
STAMPS = st.sampled_from(
    ["", "", "2025-01-02", "'2025-01-02T03:04:05Z'", "01-02-2025 03:04", "one day", '"2025-01-02"']
)
BREAKS = st.sampled_from(["\n", "\n", "\r\n"])


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """The lines of a development_status block, now and then with something odd between them."""
    found = []
    for key in draw(st.lists(KEYS, min_size=1, max_size=12, unique=True)):
        if draw(st.integers(0, 9)) == 0:
            found.append(draw(st.sampled_from(["", "# at column 0: x", "  # indented", "   "])))
        quote, status, comment = draw(QUOTES), draw(STATUSES), draw(COMMENTS)
        gap = " " * draw(st.integers(1, 4))
        if draw(st.integers(0, 7)) == 0:
            found.append(f"  {key}:{gap}{{owner: me, status: {quote}{status}{quote}}}{comment}")
        else:
            found.append(f"  {key}:{gap}{quote}{status}{quote}{comment}")
    return found


@st.composite
def trackers(draw: st.DrawFn) -> bytes:
    """A tracker that parses, in any of the spellings of real ones."""
    stamp = draw(STAMPS)
    head = ["# header: é", "project: x"] + ([f"last_updated: {stamp}  # by me"] if stamp else [])
    text = [*head, "other: {epic-1: backlog, 1-1-a: backlog}", "development_status:", *draw(lines()), "tail: y"]
    end = draw(BREAKS)
    bom = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    return bom + (end.join(text) + draw(st.sampled_from(["", end, end + end]))).encode()


@given(trackers(), st.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_an_edit_changes_one_value(data: bytes, pick: int) -> None:
    sprint = laws.model(data)
    entries = list(sprint.entries())
    assert sprint.writable
    laws.edit(data, entries[pick % len(entries)])


@given(trackers(), st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_tracker_is_read_and_never_harmed(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data)))
    cut = draw.draw(st.integers(0, 6))
    damaged = data[:at] + draw.draw(st.binary(max_size=6)) + data[at + cut :]
    sprint = laws.model(damaged)
    for entry in list(sprint.entries())[:3]:
        laws.edit(damaged, entry)


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read(data: bytes) -> None:
    laws.model(data)


@given(st.text(alphabet="epic-1:# \n\t'\"{}[]|>&*!?,%-~\x85\u2028é", max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_marks_inside_a_block_are_read(text: str) -> None:
    data = f"development_status:\n  1-1-a: done\n{text}".encode()
    for entry in laws.model(data).entries():
        laws.edit(data, entry)
