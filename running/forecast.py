"""The forecast: inputs in, ranges of cost, tokens and time out, with what they rest on. Pure; run it in a thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from forecast.defaults import Defaults, default_values, scripted_values
from forecast.lanes import time_share
from forecast.prediction import ENOUGH, Prediction, Values, Wanted, predict
from forecast.ranges import Range
from forecast.samples import project_parts
from payloads import BatchForecast
from running.forecast_inputs import Conditions, ForecastInputs
from runstate.forecast_view import BasisView, ForecastView, WindowView

CONTEXT: Final = "create-project-context"
LEAST_S: Final = 5.0  # that is left, as long as something runs


def forecast_of(inputs: ForecastInputs) -> ForecastView:
    """Return the forecast."""
    stories = inputs.stories
    conditions = inputs.conditions
    prediction = predict(
        stories,
        inputs.samples,
        agent=conditions.agent,
        model=conditions.model,
        extra=[_context(inputs)] if inputs.needs_context else [],
        priced=conditions.priced,
        defaults=_defaults(conditions),
    )
    # One after the other needs no layout, which takes long for many stories.
    share = 1.0 if conditions.width == 1 else time_share(_cycles(stories, prediction.spreads), conditions.width)
    ends = [_end(inputs, seconds * share) for seconds in (prediction.seconds.low, prediction.seconds.high)]
    usd = None if prediction.usd is None else (round(prediction.usd.low, 2), round(prediction.usd.high, 2))
    return ForecastView(
        at=round(inputs.now * 1000),
        batch_id=inputs.batch_id,
        stories=len(stories),
        story_keys=[story.key for story in stories],
        cost_usd=usd,
        tokens=_whole(prediction.tokens),
        seconds=(round(ends[0] - inputs.now), round(ends[1] - inputs.now)),
        ends_at=(round(ends[0] * 1000), round(ends[1] * 1000)),
        basis=_basis(conditions, stories, prediction),
        windows=[
            WindowView(account=one.account, name=one.name, left=one.left, enough=one.enough, resets_at=one.resets_at)
            for one in inputs.windows
        ],
        notes=list(_notes(inputs, prediction)),
    )


def kept_forecast(view: ForecastView) -> BatchForecast:
    """Return what is kept of a forecast with the batch that it was made for."""
    return BatchForecast(
        cost_usd=view.cost_usd, seconds=view.seconds, stories=view.stories, basis=view.basis.text, tokens=view.tokens
    )


def _whole(found: Range | None) -> tuple[int, int] | None:
    return None if found is None else (round(found.low), round(found.high))


def _defaults(conditions: Conditions) -> Defaults:
    return scripted_values if conditions.scripted else default_values


def _context(inputs: ForecastInputs) -> Values:
    """Return what the project's context file takes before the first cycle."""
    parts = [part for part in project_parts(inputs.history.commands, CONTEXT) if part.usd is not None]
    if len(parts) >= ENOUGH:
        tokens = [float(part.tokens or 0) for part in parts]
        return Values([part.seconds for part in parts], [part.usd or 0.0 for part in parts], tokens)
    seconds, dollars = _defaults(inputs.conditions)([CONTEXT])
    return Values(seconds, dollars if inputs.conditions.priced else [], [])


def _cycles(stories: Sequence[Wanted], spreads: Sequence[Sequence[float]]) -> list[tuple[str, list[float]]]:
    """Return epic and possible times of each cycle, in order."""
    found: dict[int, tuple[str, list[float]]] = {}
    for story, seconds in zip(stories, spreads, strict=True):
        epic, before = found.get(story.cycle, (story.epic, []))
        together = [first + second for first, second in zip(before, seconds, strict=False)] if before else list(seconds)
        found[story.cycle] = (epic, together)
    return [found[number] for number in sorted(found)]


def _end(inputs: ForecastInputs, seconds: float) -> float:
    """Return when the work ends, in the hours in which commands may start."""
    left = max(LEAST_S if inputs.begun else 0.0, seconds - inputs.elapsed)
    windows = inputs.conditions.windows
    return inputs.since + left if windows is None else windows.after_open(inputs.since, left)


def _basis(conditions: Conditions, stories: Sequence[Wanted], prediction: Prediction) -> BasisView:
    needed = {kind for story in stories for kind in story.kinds}
    commands = sorted(needed & {kind for sample in prediction.samples for kind in sample.parts})
    return BasisView(
        stories=len(prediction.samples),
        commands=commands,
        agent=conditions.agent,
        model=conditions.model,
        defaults=prediction.defaults,
        text=_basis_text(conditions, prediction, commands),
    )


def _basis_text(conditions: Conditions, prediction: Prediction, commands: Sequence[str]) -> str:
    count = len(prediction.samples)
    if not count and conditions.scripted:
        return "from what the demo usually takes"
    if not count:
        return (
            f"from the program's defaults: this project has fewer than {ENOUGH} finished stories of {conditions.agent}"
        )
    by = conditions.agent if conditions.model is None else f"{conditions.agent}, {conditions.model}"
    own = f"from {count} finished {'story' if count == 1 else 'stories'} of this project ({by}): {', '.join(commands)}"
    return f"{own}; for what they do not show, from the program's defaults" if prediction.defaults else own


def _notes(inputs: ForecastInputs, prediction: Prediction) -> Iterator[str]:
    conditions, left = inputs.conditions, inputs.remaining_usd
    if prediction.usd is None and (inputs.begun or inputs.cycles):
        yield f"The cost is unknown: {conditions.agent} has not reported it, and its model has no price."
    if left is not None and prediction.usd is not None and prediction.usd.high > left:
        certain = "is" if prediction.usd.low > left else "may be"
        yield f"The budget {certain} used up before the end: ${left:.2f} are left."
    if conditions.width > 1:
        yield f"Up to {conditions.width} groups run side by side."
    if conditions.windows is not None:
        yield "The active hours are counted."
    if inputs.preset.gates:
        yield "Waits for your decision at gates are not counted."
