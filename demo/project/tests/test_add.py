from datetime import date

from tests.support import NotebookCase


class AddTest(NotebookCase):
    def test_says_what_it_wrote_down(self) -> None:
        said = self.perch("add", "Great Crested Grebe", "--count", "2", "--place", "Lake Orren", "--on", "2026-05-03")
        self.assertEqual(said, "#1  2026-05-03  2 x Great Crested Grebe, Lake Orren\n")

    def test_takes_today_when_no_day_is_given(self) -> None:
        self.perch("add", "House Sparrow")
        self.assertEqual(self.notebook.sightings()[0].day, date.today())

    def test_refuses_the_future_and_nonsense(self) -> None:
        for day in ("9999-01-01", "someday"):
            self.perch("add", "House Sparrow", "--on", day, expect=2)
            self.assertIn("perch: ", self.errors)
        self.assertEqual(self.notebook.sightings(), [])

    def test_refuses_less_than_one_bird(self) -> None:
        self.perch("add", "House Sparrow", "--count", "0", expect=2)
        self.assertIn("at least one bird", self.errors)
