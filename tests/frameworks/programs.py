"""A small program for each framework: one question to an agent with a tool, as its own documentation shows it.

Each takes the provider's address. What it returns does not matter. `STREAMED` and `REFUSED` are variants.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

QUESTION = "How is the weather in Paris?"


def get_weather(city: str) -> str:
    """Tell the weather of a city.

    Args:
        city: its name.
    """
    return f"sunny in {city}"


def openai_agents(url: str, question: str = QUESTION, *, streamed: bool = False) -> None:
    from agents import Agent, Runner, function_tool

    billing = Agent(name="Billing", instructions="Bill.", model="gpt-5-mini", tools=[function_tool(get_weather)])
    triage = Agent(name="Triage", instructions="Triage.", model="gpt-5-mini", handoffs=[billing])
    if not streamed:
        Runner.run_sync(triage, question)
        return

    async def read() -> None:
        async for _ in Runner.run_streamed(triage, question).stream_events():
            pass

    asyncio.run(read())


def langchain(url: str, question: str = QUESTION, *, streamed: bool = False) -> None:
    from langchain.agents import create_agent
    from langchain.chat_models import init_chat_model

    asked: Any = {"messages": [{"role": "user", "content": question}]}
    for name, model in (("researcher", "openai:gpt-5-mini"), ("writer", "anthropic:claude-sonnet-4-5")):
        more = {"stream_usage": True} if streamed else {}
        agent = create_agent(init_chat_model(model, max_retries=0, **more), tools=[get_weather], name=name)
        if streamed:
            list(agent.stream(asked, stream_mode="messages"))
        else:
            agent.invoke(asked)


def pydantic_ai(url: str, question: str = QUESTION, *, streamed: bool = False) -> None:
    from pydantic_ai import Agent

    Agent.instrument_all()
    agent = Agent("openai-chat:gpt-5-mini", name="weatherman", tools=[get_weather])
    if not streamed:
        agent.run_sync(question)
        return

    async def read() -> None:
        async with agent.run_stream(question) as answer:
            async for _ in answer.stream_text():
                pass

    asyncio.run(read())


def litellm(url: str, question: str = QUESTION, *, streamed: bool = False) -> None:
    import litellm as library

    library.suppress_debug_info = True
    messages = [{"role": "user", "content": question}]
    more = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
    for model, base in (("openai/gpt-5-mini", f"{url}/v1"), ("anthropic/claude-sonnet-4-5", url)):
        found = library.completion(model=model, messages=messages, api_base=base, api_key="x", num_retries=0, **more)
        if streamed:
            list(found)
    time.sleep(1.0)  # LiteLLM tells its callbacks later, from a thread of its own


def google_genai(url: str, question: str = QUESTION, *, streamed: bool = False) -> None:
    from google import genai

    client = genai.Client(api_key="x", http_options={"base_url": url})
    if streamed:
        list(client.models.generate_content_stream(model="gemini-2.5-flash", contents=question))
        return
    client.models.generate_content(model="gemini-2.5-flash", contents=question, config={"tools": [get_weather]})


def bedrock(url: str, question: str = QUESTION) -> None:
    import boto3

    client = boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b"
    )
    model = "anthropic.claude-3-5-sonnet-20241022-v2:0"
    client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": question}]}])


def smolagents(url: str, question: str = QUESTION) -> None:
    from smolagents import OpenAIServerModel, ToolCallingAgent, tool

    model = OpenAIServerModel("gpt-5-mini", api_base=f"{url}/v1", api_key="x")
    ToolCallingAgent(tools=[tool(get_weather)], model=model, name="weatherman", verbosity_level=0).run(question)


def strands(url: str, question: str = QUESTION) -> None:
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel

    model = OpenAIModel(client_args={"api_key": "x", "base_url": f"{url}/v1"}, model_id="gpt-5-mini")
    Agent(model=model, name="weatherman", tools=[tool(get_weather)], callback_handler=None)(question)


def crewai(url: str, question: str = QUESTION) -> None:
    os.environ["CREWAI_DISABLE_TELEMETRY"] = "true"
    from crewai import LLM, Agent, Crew, Task
    from crewai.tools import tool

    model = LLM(model="openai/gpt-4o-mini", base_url=f"{url}/v1", api_key="x")
    agent = Agent(role="weatherman", goal="tell weather", backstory="x", tools=[tool("get_weather")(get_weather)],
                  llm=model, verbose=False)  # fmt: skip
    task = Task(description=question, expected_output="text", agent=agent)
    Crew(agents=[agent], tasks=[task], verbose=False, tracing=False).kickoff()


def llama_index(url: str, question: str = QUESTION) -> None:
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.llms.openai import OpenAI

    model = OpenAI(model="gpt-4o-mini", api_key="x", api_base=f"{url}/v1", max_retries=0)
    agent = FunctionAgent(name="weatherman", tools=[get_weather], llm=model, streaming=False)

    async def ask() -> None:
        await agent.run(question)

    asyncio.run(ask())


def autogen(url: str, question: str = QUESTION) -> None:
    from autogen_agentchat.agents import AssistantAgent
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    model = OpenAIChatCompletionClient(model="gpt-4o-mini", api_key="x", base_url=f"{url}/v1")
    agent = AssistantAgent("weatherman", model, tools=[get_weather], reflect_on_tool_use=True)
    asyncio.run(agent.run(task=question))


def agent_framework(url: str, question: str = QUESTION) -> None:
    import agent_framework as library
    from agent_framework.openai import OpenAIChatClient

    client = OpenAIChatClient(model="gpt-5-mini", api_key="x", base_url=f"{url}/v1")
    make = getattr(client, "as_agent", None) or client.create_agent
    agent = make(name="weatherman", instructions="x", tools=[get_weather])
    assert library is not None
    asyncio.run(agent.run(question))


def dspy(url: str, question: str = QUESTION) -> None:
    import dspy as library

    library.configure(lm=library.LM("openai/gpt-4o-mini", api_base=f"{url}/v1", api_key="x", cache=False))
    try:
        library.Predict("question -> answer")(question=question)
    except Exception as error:  # noqa: BLE001 - the provider's sentence is not in the form that DSPy wants
        print("dspy:", type(error).__name__)


def haystack(url: str, question: str = QUESTION) -> None:
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
    from haystack.components.agents import Agent
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.tools import tool

    model = OpenAIChatGenerator(model="gpt-4o-mini", api_base_url=f"{url}/v1")
    Agent(chat_generator=model, tools=[tool(get_weather)]).run(messages=[ChatMessage.from_user(question)])


def instructor(url: str, question: str = QUESTION) -> None:
    import instructor as library
    from openai import OpenAI
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str

    client = library.from_openai(OpenAI(max_retries=0))
    client.chat.completions.create(
        model="gpt-4o-mini", response_model=Weather, messages=[{"role": "user", "content": question}]
    )


def google_adk(url: str, question: str = QUESTION) -> None:
    os.environ |= {"GOOGLE_API_KEY": "x", "GOOGLE_GEMINI_BASE_URL": url}
    from google.adk.agents import Agent
    from google.adk.runners import InMemoryRunner
    from google.genai import types

    runner = InMemoryRunner(agent=Agent(name="weatherman", model="gemini-2.5-flash", tools=[get_weather]), app_name="a")

    async def ask() -> None:
        await runner.session_service.create_session(app_name="a", user_id="u", session_id="s")
        message = types.Content(role="user", parts=[types.Part(text=question)])
        async for _ in runner.run_async(user_id="u", session_id="s", new_message=message):
            pass

    asyncio.run(ask())


def mistralai(url: str, question: str = QUESTION) -> None:
    try:
        from mistralai.client import Mistral
    except ImportError:  # before 2
        from mistralai import Mistral

    client = Mistral(api_key="x", server_url=url)
    client.chat.complete(model="mistral-small-latest", messages=[{"role": "user", "content": question}])


def cohere(url: str, question: str = QUESTION) -> None:
    import cohere as library

    client = library.ClientV2(api_key="x", base_url=url)
    client.chat(model="command-r-plus", messages=[{"role": "user", "content": question}])


def ollama(url: str, question: str = QUESTION) -> None:
    import ollama as library

    library.Client(host=url).chat(model="qwen3", messages=[{"role": "user", "content": question}])


def groq(url: str, question: str = QUESTION) -> None:
    from groq import Groq

    client = Groq(api_key="x", base_url=url, max_retries=0)
    client.chat.completions.create(model="llama-3.3-70b-versatile", messages=[{"role": "user", "content": question}])


def claude_agent(url: str, question: str = QUESTION) -> None:
    from claude_agent_sdk import ClaudeAgentOptions, query

    about = ClaudeAgentOptions(
        max_turns=1, model="claude-sonnet-4-5", tools=[], env={"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "x"}
    )

    async def ask() -> None:
        async for _ in query(prompt=question, options=about):
            pass

    asyncio.run(asyncio.wait_for(ask(), 60))


def mcp(url: str, question: str = QUESTION) -> None:
    """A server in this process and its client; no model is called."""
    from mcp import Client
    from mcp.server import MCPServer

    server = MCPServer("weather")
    server.tool()(get_weather)

    async def ask() -> None:
        async with Client(server) as client:
            await client.call_tool("get_weather", {"city": "Paris"})

    asyncio.run(ask())


def clients(url: str, question: str = QUESTION) -> None:
    """The clients of OpenAI and Anthropic by themselves."""
    import anthropic
    from openai import OpenAI

    messages: Any = [{"role": "user", "content": question}]
    OpenAI(max_retries=0).chat.completions.create(model="gpt-4o-mini", messages=messages)
    OpenAI(max_retries=0).responses.create(model="gpt-5-mini", input=question)
    anthropic.Anthropic(max_retries=0).messages.create(model="claude-sonnet-4-5", max_tokens=50, messages=messages)


def litellm_callback(url: str, question: str = QUESTION) -> None:
    """LiteLLM's own callback, as its users switch it on."""
    import litellm as library
    from litellm.integrations.opentelemetry import OpenTelemetry
    from opentelemetry import trace

    library.callbacks = [OpenTelemetry(tracer_provider=trace.get_tracer_provider())]
    litellm(url, question)


PROGRAMS: dict[str, Callable[..., None]] = {
    "openai-agents": openai_agents, "langchain": langchain, "langchain-openinference": langchain,
    "pydantic-ai": pydantic_ai, "crewai": crewai, "llama-index": llama_index, "litellm": litellm,
    "google-genai": google_genai, "bedrock": bedrock, "google-adk": google_adk, "strands": strands,
    "smolagents": smolagents, "autogen": autogen, "agent-framework": agent_framework, "dspy": dspy,
    "haystack": haystack, "instructor": instructor, "claude-agent": claude_agent, "mcp": mcp,
    "mistralai": mistralai, "cohere": cohere, "ollama": ollama, "groq": groq,
    "clients": clients, "litellm-callback": litellm_callback,
}  # fmt: skip
ENVIRONMENTS = {"clients": ("google-genai", "bedrock"), "vendors": ("mistralai", "cohere", "ollama", "groq")}
"""Environments with more than one program, or one of another name."""
STREAMED = frozenset(
    {"openai-agents", "langchain", "langchain-openinference", "pydantic-ai", "litellm", "google-genai"}
)
"""Programs that can stream."""
