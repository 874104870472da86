"""The price table of the settings: what may be in it, and that agents count with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents import Price
from cli.config import agent_specs
from settings import FILE_NAME, PriceConfig, Settings, SettingsError, load


def of(folder: Path, text: str) -> Settings:
    file = folder / FILE_NAME
    file.write_text(text)
    return load(file, {}).settings


def test_prices_reach_every_agent(tmp_path: Path) -> None:
    text = "prices: {gpt-5-codex: {input: 1.25, output: 10, cache_read: 0.125}, 'acme/*': {input: 0, output: 0}}"
    settings = of(tmp_path, text)
    assert settings.prices["gpt-5-codex"] == PriceConfig(1.25, 10, 0.125)
    specs = agent_specs(settings.agents, settings.prices)
    assert set(specs) == set(settings.agents)
    for spec in specs.values():
        assert spec.prices["gpt-5-codex"] == Price(1.25, 10, 0.125, 1.25)
        assert spec.prices["acme/*"] == Price(0, 0, 0, 0)


WRONG = [
    ("prices: {m: {input: 1}}", "prices: m: Object missing required field `output`"),
    ("prices: {m: {input: 1, output: 1, cached: 1}}", "prices: m: Object contains unknown field `cached`"),
    ("prices: {m: {input: -1, output: 1}}", "prices: m: input must be a number from 0 to 1000000, not -1"),
    ("prices: {m: {input: 1, output: .nan}}", "prices: m: output must be a number from 0 to 1000000, not nan"),
    ("prices: {m: {input: 1, output: 1e9}}", "prices: m: Expected `float`, got `str` - at `$.output`"),
    ("prices: {m: 3}", "prices: m: Expected `object`, got `int`"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_price_names_model_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        of(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / FILE_NAME}: {said}")
