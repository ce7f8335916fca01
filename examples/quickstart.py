"""The smallest agent with everything recorded. Runs without network, keys or servers:

    python examples/quickstart.py
    syndarix-obs traces
"""

from __future__ import annotations

from syndarix_obs import ObservabilityPlatform

obs = ObservabilityPlatform.from_env()


@obs.tool_call
def search(query: str) -> dict[str, str]:
    """A tool; the decorator records its arguments, its result and how long it took."""
    return {"order": "A-1017", "state": "delivered", "matched": query}


with obs, obs.session(agent="support", agent_type="assistant", project="acme", user="u-42") as session:
    with obs.task("refund"):
        with obs.context_assembly(limit=200_000) as context:
            context.add("system", tokens=310)
            context.add("memory", tokens=1_200)
            context.evicted("history", tokens=800)

        with obs.memory("search", store="orders", query="blender") as memory:
            memory.found(3)

        question = [{"role": "user", "content": "Where is my blender? Write to ada.winter@example.com"}]
        with obs.llm(provider="anthropic", model="claude-sonnet-4-6", messages=question) as call:
            # Ask the provider here. With the openai or anthropic client, obs.auto_instrument() does all of this.
            call.first_token()
            call.response(
                [{"role": "assistant", "content": "Let me look that up."}],
                usage={"input_tokens": 1_834, "output_tokens": 41, "cache_read_input_tokens": 1_200},
                finish_reason="tool_use",
            )

        obs.decision(
            "tool_selection",
            options=["search", "refund"],
            selected="search",
            reasoning="Whether to refund depends on where the order is.",
            confidence=0.82,
        )
        search("blender")
        obs.safety_check("pii", passed=True)
    session.outcome("success")

print(f"Recorded session {session.session_id} into {obs.settings.store_path}")
print("See it with: syndarix-obs traces")
