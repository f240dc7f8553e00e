from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from matrix_client import QUESTION, Moves, Plan, serve
from openai import AsyncOpenAI
from openai.types.shared import Reasoning

set_tracing_disabled(True)
MODELS = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}


def agent_of(job, thinks=False, **more):
    client = AsyncOpenAI(base_url=job["url"] + "/v1", api_key=job["key"], max_retries=0)
    settings = ModelSettings()
    if thinks:
        settings.reasoning = Reasoning(effort="low", summary="auto")
    if job["format"] == "responses":
        settings.store = False
        settings.response_include = ["reasoning.encrypted_content"]
    elif thinks:
        settings.reasoning = Reasoning(effort="low")
    model = MODELS[job["format"]](model=job["model"], openai_client=client)
    return Agent(name="player", model=model, model_settings=settings, **more)


async def answer_of(job, agent):
    if not job["stream"]:
        return (await Runner.run(agent, QUESTION)).final_output
    run = Runner.run_streamed(agent, QUESTION)
    async for _ in run.stream_events():
        pass
    return run.final_output


async def text(job):
    return {"text": await answer_of(job, agent_of(job))}


async def tools(job):
    moves = Moves()
    agent = agent_of(job, thinks=True, tools=[function_tool(moves.move)])
    return {"text": await answer_of(job, agent), "calls": moves.made}


async def formed(job):
    return {"object": (await answer_of(job, agent_of(job, output_type=Plan))).model_dump()}


tasks = {"text": text, "error": text, "tools": tools, "object": formed}
serve({(each, task): run for each in MODELS for task, run in tasks.items()})
