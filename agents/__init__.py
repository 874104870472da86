"""Agent command lines: how to call them, read their streams, end them, and judge their end.

The orchestrator uses what is named here and knows no agent by name.
"""

from agents.accounts import account_of
from agents.claude_options import is_demo
from agents.deadlines import Graces
from agents.guarding import GUARDING, GuardMeans, guard_means
from agents.identity import end_group
from agents.invocation import Invocation, PromptWay, invocation_of, optional_words, own_variables
from agents.marks import sweep
from agents.options import OPTIONS
from agents.preflight import budget_problem, known_version, preflight
from agents.prices import is_cost_doubted
from agents.process import AgentProcess, start, takes_messages
from agents.quota import knows_windows, quota
from agents.records import (
    Action,
    Denied,
    Failure,
    Final,
    LimitSeen,
    MessageTaken,
    Noise,
    Note,
    Question,
    Record,
    Retry,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UsageSeen,
)
from agents.registry import UnknownKind
from agents.replay import replay
from agents.spare import SPARE
from agents.spawn import is_program_missing
from agents.spec import AgentSpec, Call, Outcome, OutcomeKind, Preflight, Price, Usage
from agents.stream_lock import until_released
from agents.summaries import edits_files
from agents.terminal import terminal_command
from agents.text import is_session_lost
from agents.transcript import EntryKind, TranscriptEntry, open_recording, read_transcript, steady
from agents.transcript_index import TranscriptIndex

__all__ = [
    "GUARDING",
    "OPTIONS",
    "SPARE",
    "Action",
    "AgentProcess",
    "AgentSpec",
    "Call",
    "Denied",
    "EntryKind",
    "Failure",
    "Final",
    "Graces",
    "GuardMeans",
    "Invocation",
    "LimitSeen",
    "MessageTaken",
    "Noise",
    "Note",
    "Outcome",
    "OutcomeKind",
    "Preflight",
    "Price",
    "PromptWay",
    "Question",
    "Record",
    "Retry",
    "Started",
    "Text",
    "ToolCall",
    "ToolResult",
    "TranscriptEntry",
    "TranscriptIndex",
    "UnknownKind",
    "Usage",
    "UsageSeen",
    "account_of",
    "budget_problem",
    "edits_files",
    "end_group",
    "guard_means",
    "invocation_of",
    "is_cost_doubted",
    "is_demo",
    "is_program_missing",
    "is_session_lost",
    "known_version",
    "knows_windows",
    "open_recording",
    "optional_words",
    "own_variables",
    "preflight",
    "quota",
    "read_transcript",
    "replay",
    "start",
    "steady",
    "sweep",
    "takes_messages",
    "terminal_command",
    "until_released",
]
