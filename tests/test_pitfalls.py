"""Faults seen in systems like this one, and the tests that show that this one has not got them.

One row for each fault of a run. A test that is renamed or removed is missed here, and its row then needs another one.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

# the fault, and where it is shown that it does not happen
RUN = [
    ("events go to a hub that nobody is connected to", "test_end_to_end.py::test_a_whole_sprint"),
    (
        "the project is sought in the working directory only",
        "test_launch.py::test_the_project_is_found_from_the_argument_or_upward",
    ),
    (
        "an exception leaves the state at running",
        "test_orchestrator.py::test_an_exception_of_ours_ends_the_batch_and_the_next_one_starts",
    ),
    ("an exception leaves rows open", "test_orchestrator_evidence.py::test_a_cold_start_reads_rows_that_are_finished"),
    (
        "a missing agent blocks every story",
        "test_orchestrator.py::test_a_missing_agent_is_refused_before_anything_starts",
    ),
    (
        "an agent without a login blocks every story",
        "test_orchestrator.py::test_an_agent_that_cannot_log_in_ends_the_batch_and_judges_no_story",
    ),
    ("a crashed reviewer after two CRITICAL counts as done", "test_orchestrator.py::test_the_code_review_loop"),
    (
        "a sentence with ZERO ISSUES in it is read as zero",
        "workflow/test_verdicts.py::test_a_marker_inside_a_sentence_is_no_marker",
    ),
    ("a marker in bold is not read", "workflow/test_verdicts.py::test_dress_and_case_do_not_matter"),
    (
        "2a-1 also matches 2a-10 and 12a-1",
        "workflow/test_picking.py::test_only_what_the_operator_asked_for_by_its_exact_key",
    ),
    ("2a-1 finds the file of 2a-10", "sprint/test_files.py::test_what_is_not_the_storys_file"),
    (
        "eight simultaneous starts make several batches",
        "test_orchestrator.py::test_of_eight_simultaneous_starts_one_wins",
    ),
    ("stories at review are developed again", "test_orchestrator.py::test_every_story_enters_at_its_own_phase"),
    (
        "after a stop more agents start, and the end is told thrice",
        "test_orchestrator_verbs.py::test_a_graceful_stop_ends_once_and_the_next_start_goes_on",
    ),
    (
        "work beside the run sets the state back to running",
        "test_orchestrator_evidence.py::test_work_beside_the_run_that_outlives_the_batch_changes_nothing_about_its_state",
    ),
    ("agents survive the server", "test_end_to_end.py::test_the_plug_is_pulled_and_the_run_goes_on"),
    (
        "agents survive the end of their batch",
        "test_orchestrator_verbs.py::test_stop_now_ends_the_agent_and_the_command_runs_again",
    ),
    ("a refused second server has touched the database", "test_launch.py::test_a_port_that_is_taken_leaves_no_trace"),
    ("a second server runs beside the first", "test_launch.py::test_the_second_server_of_a_project_says_who_has_it"),
    ("good work is rolled back", "test_orchestrator_rules.py::test_work_that_was_cut_off_stays_in_the_tree"),
    (
        "the board says done while the agent failed",
        "test_orchestrator_evidence.py::test_an_agent_that_writes_done_and_fails_is_blocked",
    ),
]


@cache
def names_in(name: str) -> frozenset[str]:
    tree = ast.parse((TESTS / name).read_text("utf-8"))
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in found)


@pytest.mark.parametrize(("fault", "where"), RUN, ids=[fault for fault, _ in RUN])
def test_every_fault_has_its_test(fault: str, where: str) -> None:
    name, _, test = where.partition("::")
    assert test in names_in(name), fault
