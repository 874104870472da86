"""Projects of BMAD 4: no tracker, stories as files `1.2.slug.md` with their status in them."""
