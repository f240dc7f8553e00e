from langchain.agents import create_agent
from langchain.tools import tool
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from matrix_client import QUESTION, THINKING_BUDGET, TOKENS_MAX, Moves, Plan, serve


def model_of(job, thinks=False):
    if job["format"] == "messages":
        budget = {"type": "enabled", "budget_tokens": THINKING_BUDGET}
        return ChatAnthropic(
            model=job["model"],
            base_url=job["url"],
            api_key=job["key"],
            max_retries=0,
            max_tokens=TOKENS_MAX,
            **({"thinking": budget} if thinks else {}),
        )
    more = {"use_responses_api": job["format"] == "responses"}
    if more["use_responses_api"]:
        more |= {"store": False, "include": ["reasoning.encrypted_content"]}
    if thinks and more["use_responses_api"]:
        more["reasoning"] = {"effort": "low", "summary": "auto"}
    elif thinks:
        more["reasoning_effort"] = "low"
    return ChatOpenAI(
        model=job["model"],
        base_url=job["url"] + "/v1",
        api_key=job["key"],
        max_retries=0,
        **more,
    )


def text(job):
    model = model_of(job)
    if not job["stream"]:
        return {"text": model.invoke(QUESTION).text}
    return {"text": "".join(chunk.text for chunk in model.stream(QUESTION))}


def tools(job):
    moves = Moves()
    agent = create_agent(model_of(job, thinks=True), tools=[tool(moves.move)])
    asked = {"messages": [{"role": "user", "content": QUESTION}]}
    if not job["stream"]:
        return {"text": agent.invoke(asked)["messages"][-1].text, "calls": moves.made}
    said = ""
    for chunk, _ in agent.stream(asked, stream_mode="messages"):
        if chunk.type == "AIMessageChunk":
            said += chunk.text
    return {"text": said, "calls": moves.made}


def formed(job):
    model = model_of(job).with_structured_output(Plan, method="json_schema")
    return {"object": model.invoke(QUESTION).model_dump()}


formats = ["chat", "responses", "messages"]
serve(
    {
        (each, task): run
        for each in formats
        for task, run in {"text": text, "error": text, "tools": tools, "object": formed}.items()
    }
)
