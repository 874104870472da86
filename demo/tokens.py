"""The usage of the scripted agent: tokens per message, their prices, and their form in the stream.

Promises that the messages of a run add up to its result line. Prices are USD per million tokens.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

DEFAULT_MODEL = "claude-sonnet-4-5"
ALIASES = {"sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-4-5", "opus": "claude-opus-4-5"}

CHARACTERS_PER_TOKEN = 3.6  # English prose and code, roughly
SYSTEM_TOKENS = 14_600  # the system prompt and the tools, which the cache has from earlier runs


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """USD per million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float


PRICES = {
    "haiku": TokenPrice(1.0, 5.0, 0.1, 1.25),
    "opus": TokenPrice(5.0, 25.0, 0.5, 6.25),
    "sonnet": TokenPrice(3.0, 15.0, 0.3, 3.75),
}


@dataclass(frozen=True, slots=True)
class Tokens:
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )

    def to_record(self) -> dict[str, int]:
        return asdict(self)


def resolve(model: str | None) -> str:
    """The id of a model or of its alias."""
    return ALIASES.get(model or "", model or DEFAULT_MODEL)


def cost(model: str, tokens: Tokens) -> float:
    """USD; a model without a price of its own costs what Sonnet does."""
    price = next((each for name, each in PRICES.items() if name in model), PRICES["sonnet"])
    millionths = (
        tokens.input * price.input
        + tokens.output * price.output
        + tokens.cache_read * price.cache_read
        + tokens.cache_write * price.cache_write
    )
    return millionths / 1_000_000


def estimate(text: str) -> int:
    return max(1, round(len(text) / CHARACTERS_PER_TOKEN))


def message_usage(tokens: Tokens) -> dict[str, Any]:
    """`message.usage` of an assistant line."""
    return {
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation": {"ephemeral_5m_input_tokens": tokens.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens": tokens.output,
        "service_tier": "standard",
    }


def result_usage(tokens: Tokens) -> dict[str, Any]:
    """`usage` of the result line."""
    return {
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cache_read,
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": 0},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": tokens.cache_write},
        "inference_geo": "",
        "iterations": [],
        "speed": "standard",
        "fallback_credit": None,
    }


def model_usage(model: str, tokens: Tokens) -> dict[str, Any]:
    """`modelUsage` of the result line: empty where no token was used."""
    if tokens == Tokens():
        return {}
    return {
        model: {
            "inputTokens": tokens.input,
            "outputTokens": tokens.output,
            "cacheReadInputTokens": tokens.cache_read,
            "cacheCreationInputTokens": tokens.cache_write,
            "webSearchRequests": 0,
            "costUSD": cost(model, tokens),
            "contextWindow": 200_000,
            "maxOutputTokens": 32_000,
            "thinkingTokens": 0,
            "cacheCreationEphemeral5mInputTokens": tokens.cache_write,
            "cacheCreationEphemeral1hInputTokens": 0,
            "canonicalModel": model,
            "provider": "firstParty",
            "costBasis": "list",
        }
    }
