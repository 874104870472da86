from tests.support import NotebookCase


class ListTest(NotebookCase):
    def test_shows_the_newest_first(self) -> None:
        self.perch("add", "Wren", "--on", "2026-01-02")
        self.perch("add", "Redwing", "--on", "2026-02-01")
        self.assertEqual(self.perch("list"), "#2  2026-02-01  1 x Redwing\n#1  2026-01-02  1 x Wren\n")

    def test_shows_no_more_than_asked_for(self) -> None:
        for _ in range(3):
            self.perch("add", "Wren")
        self.assertEqual(len(self.perch("list", "--limit", "2").splitlines()), 2)

    def test_helps_with_an_empty_notebook(self) -> None:
        self.assertIn("perch add", self.perch("list"))
