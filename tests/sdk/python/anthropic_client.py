from anthropic import Anthropic
from matrix_client import (
    MOVE_PARAMETERS,
    QUESTION,
    THINKING_BUDGET,
    TOKENS_MAX,
    Moves,
    Plan,
    serve,
)


def client_of(job):
    return Anthropic(base_url=job["url"], api_key=job["key"], max_retries=0)


def answer_of(job, **more):
    client = client_of(job)
    more = {"model": job["model"], "max_tokens": TOKENS_MAX, **more}
    if not job["stream"]:
        return client.messages.create(**more)
    with client.messages.stream(**more) as stream:
        for _ in stream:
            pass
        return stream.get_final_message()


def text_of(answer):
    return "".join(block.text for block in answer.content if block.type == "text")


def text(job):
    return {"text": text_of(answer_of(job, messages=[{"role": "user", "content": QUESTION}]))}


def tools(job):
    moves = Moves()
    messages = [{"role": "user", "content": QUESTION}]
    more = {
        "tools": [{"name": "move", "input_schema": MOVE_PARAMETERS}],
        "thinking": {"type": "enabled", "budget_tokens": THINKING_BUDGET},
    }
    answer = answer_of(job, messages=messages, **more)
    messages.append({"role": "assistant", "content": answer.content})
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": moves.move(**block.input)}
        for block in answer.content
        if block.type == "tool_use"
    ]
    messages.append({"role": "user", "content": results})
    return {"text": text_of(answer_of(job, messages=messages, **more)), "calls": moves.made}


def formed(job):
    answer = client_of(job).messages.parse(
        model=job["model"],
        max_tokens=TOKENS_MAX,
        messages=[{"role": "user", "content": QUESTION}],
        output_format=Plan,
    )
    return {"object": answer.parsed_output.model_dump()}


serve(
    {
        ("messages", "text"): text,
        ("messages", "error"): text,
        ("messages", "tools"): tools,
        ("messages", "object"): formed,
    }
)
