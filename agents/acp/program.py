"""The adapter of `kind: acp`: any program that speaks the Agent Client Protocol on its standard streams.

It ends on a request and when its input is closed; what counts is its answer to the prompt, not how it ended after it.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import replace

from agents.acp.probe import probe
from agents.acp.reader import AcpParser
from agents.acp.session import AcpDialogue
from agents.adapter import Adapter, Ending, Judgement, Step
from agents.spec import AgentSpec, Call, Preflight
from agents.usage import Tally


class Acp(Adapter):
    """See the module."""

    kind = "acp"
    reports_model = True
    converses = True
    linger_s = 3.0  # after the answer, with its input closed: it writes its session down
    login = "Log in with the program itself, once, as this user, or put its key (such as OPENAI_API_KEY) into `env`."
    ending = (Step(signal.SIGTERM, to_group=True),)
    death_signal = signal.SIGTERM

    def argv(self, spec: AgentSpec, call: Call) -> list[str]:
        return list(spec.command)

    def parser(self, cwd: str | None = None) -> AcpParser:
        return AcpParser(cwd)

    def dialogue(self, spec: AgentSpec, call: Call, env: Mapping[str, str]) -> AcpDialogue:
        return AcpDialogue(spec, call, env)

    def takes_messages(self, call: Call) -> bool:
        return True

    async def probe(self, spec: AgentSpec, env: Mapping[str, str]) -> Preflight:
        return await probe(spec, env)

    def version_argv(self, spec: AgentSpec) -> list[str] | None:
        """None: its version is in the answer to `initialize`, and many of these programs know no other way."""
        return None

    def _by_final(self, tally: Tally, ending: Ending) -> Judgement:
        return super()._by_final(tally, ending if tally.final is None else replace(ending, exit_code=0))
