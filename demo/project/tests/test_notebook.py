from datetime import date

from perch.errors import PerchError
from tests.support import NotebookCase


class NotebookTest(NotebookCase):
    def test_gives_back_what_was_written(self) -> None:
        written = self.notebook.add("Mésange bleue", date(2026, 3, 1), 4, "Jardin")
        self.assertEqual(self.notebook.sightings(), [written])

    def test_is_empty_before_the_first_sighting(self) -> None:
        self.assertEqual(self.notebook.sightings(), [])

    def test_names_the_line_that_it_cannot_read(self) -> None:
        self.notebook.add("Wren", date(2026, 3, 1))
        with self.notebook.path.open("a", encoding="utf-8") as file:
            file.write("coffee stain\n")
        with self.assertRaisesRegex(PerchError, "line 2"):
            self.notebook.sightings()
