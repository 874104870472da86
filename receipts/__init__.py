"""Receipts: what a story's commit rests on, in a form that any clone can check. Knows neither git nor the database."""
