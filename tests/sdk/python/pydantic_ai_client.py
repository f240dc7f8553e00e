from anthropic import AsyncAnthropic
from matrix_client import QUESTION, THINKING_BUDGET, TOKENS_MAX, Moves, Plan, serve
from openai import AsyncOpenAI
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


def model_of(job):
    if job["format"] == "messages":
        client = AsyncAnthropic(base_url=job["url"], api_key=job["key"], max_retries=0)
        return AnthropicModel(
            job["model"],
            provider=AnthropicProvider(anthropic_client=client),
            profile=ModelProfile(supports_json_schema_output=True),
        )
    client = AsyncOpenAI(base_url=job["url"] + "/v1", api_key=job["key"], max_retries=0)
    provider = OpenAIProvider(openai_client=client)
    if job["format"] == "chat":
        return OpenAIChatModel(job["model"], provider=provider)
    # The relay's names of models are its operator's: what they can has to be said.
    profile = OpenAIModelProfile(openai_supports_encrypted_reasoning_content=True)
    return OpenAIResponsesModel(job["model"], provider=provider, profile=profile)


SETTINGS = {
    "chat": {"openai_reasoning_effort": "low"},
    "responses": {
        "openai_reasoning_effort": "low",
        "openai_reasoning_summary": "auto",
        "openai_store": False,
    },
    "messages": {
        "anthropic_thinking": {"type": "enabled", "budget_tokens": THINKING_BUDGET},
        "max_tokens": TOKENS_MAX,
    },
}


async def answer_of(job, agent):
    if not job["stream"]:
        return (await agent.run(QUESTION)).output
    async with agent.run_stream(QUESTION) as run:
        async for _ in run.stream_output():
            pass
        return await run.get_output()


async def text(job):
    return {"text": await answer_of(job, Agent(model_of(job)))}


async def tools(job):
    moves = Moves()
    agent = Agent(model_of(job), tools=[moves.move], model_settings=SETTINGS[job["format"]])
    return {"text": await answer_of(job, agent), "calls": moves.made}


async def native(job):
    agent = Agent(model_of(job), output_type=NativeOutput(Plan))
    return {"object": (await answer_of(job, agent)).model_dump()}


async def by_tool(job):
    agent = Agent(model_of(job), output_type=ToolOutput(Plan, name="plan"))
    return {"object": (await answer_of(job, agent)).model_dump()}


tasks = {"text": text, "error": text, "tools": tools, "object": native, "object by tool": by_tool}
serve({(each, task): run for each in SETTINGS for task, run in tasks.items()})
