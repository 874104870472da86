"""The route of the preview, with a real server."""

from __future__ import annotations

from pathlib import Path

from tests.servers import demo, get


async def test_it_answers_for_what_is_next_and_for_named_stories(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_, client):
        found = await get(client, "/api/preview")
        assert found["cycles"][0]["steps"][0]["call"]["prompt"].startswith("# ")
        key = found["cycles"][0]["story_keys"][0]
        one = await get(client, f"/api/preview?stories={key}&command=dev-story")
        assert [step["command"] for step in one["cycles"][0]["steps"]] == ["dev-story"]
        assert one["cycles"][0]["steps"][0]["call"]["command_line"].count("--output-format") == 1
        steps = await get(client, "/api/run/steps")
        assert [cycle["story_keys"] for cycle in steps["cycles"]] == [found["cycles"][0]["story_keys"]]
        conditions = [(step["command"], step["condition"]) for step in found["cycles"][0]["steps"]]
        assert [(step["command"], step["condition"]) for step in steps["cycles"][0]["steps"]] == conditions
        for query, words in (
            ("stories=9-9", "stories: "),
            ("agent=nobody", "agent: there is no agent 'nobody'"),
            ("command=dev-story", "command: needs the stories that it is for"),
            (f"stories={key}&command=deploy", "command: there is no command 'deploy'"),
            (f"stories={','.join(str(number) for number in range(1001))}", "stories: must be at most 1000 keys"),
        ):
            async with client.get(f"/api/preview?{query}") as response:
                assert response.status == 400
                assert (await response.json())["error"]["message"].startswith(words)
