import unittest
from datetime import date

from perch.days import parse_day
from perch.errors import PerchError

TODAY = date(2026, 5, 6)  # a Wednesday


class ParseDayTest(unittest.TestCase):
    def test_reads_the_iso_form(self) -> None:
        self.assertEqual(parse_day(" 2026-05-03 ", TODAY), date(2026, 5, 3))

    def test_shows_the_form_it_wants(self) -> None:
        with self.assertRaisesRegex(PerchError, "2026-05-06"):
            parse_day("03.05.2026", TODAY)

    def test_refuses_tomorrow(self) -> None:
        with self.assertRaisesRegex(PerchError, "not come yet"):
            parse_day("2026-05-07", TODAY)
