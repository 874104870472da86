"""Events are cleaned many at once: what is found, and what comes back, is the same as one by one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from security.cleaning import clean_values
from security.controls import visible_value
from security.masking import Masker

KEY = "ghp_" + "q7Zx4Kp9Wm2Vt8Rb5Yc3Nd6Jf1Hg0Ls2Ty8Uw"
TEXTS = st.sampled_from(
    ("", "a line", "src/a.py", KEY, f"say {KEY[:12]}…", "\x1b[31mred\x1b[0m", "\u202eturned", "a-given-value"),
)
VALUES = st.fixed_dictionaries(
    {"message": TEXTS}, optional={"names": st.lists(TEXTS, max_size=3), "count": st.integers()}
)
MASKER = Masker(["a-given-value"])


@given(st.lists(VALUES, max_size=6))
@settings(deadline=None)
def test_many_at_once_are_cleaned_as_each_alone(values: list[dict[str, object]]) -> None:
    assert list(clean_values(values, MASKER)) == [visible_value(MASKER.value(value)) for value in values]


def test_values_without_a_find_come_back_themselves() -> None:
    values = [{"message": "a"}, {"message": "b", "names": ["c"]}]
    assert clean_values(values, MASKER) is values
    dirty = {"message": KEY}
    kept, changed = clean_values([values[0], dirty], MASKER)
    assert kept is values[0]
    assert changed == {"message": "[masked: GitHub token]"}


def test_a_colour_anywhere_within_a_key_does_not_hide_it() -> None:
    """A code before a full stop hid what was on both of its sides."""
    secret = "SG.q7Zx4Kp9Wm2Vt8Rb5Yc3Nd.q7Zx4Kp9Wm2Vt8Rb5Yc3Nd6Jf1Hg0Lsq7Zx4Kp9Wm2V"
    for at in range(1, len(secret)):
        for codes in ("\x1b[m", "\x1b[01;31m\x1b[K", "\x1b[m\x1b[K\x1b[m\x1b[K\x1b[1m\x1b[31m" * 4):
            assert "q7Zx" not in MASKER.text(f"x {secret[:at]}{codes}{secret[at:]}\x1b[m y")
