import json

import litellm
from matrix_client import (
    MOVE_PARAMETERS,
    QUESTION,
    THINKING_BUDGET,
    TOKENS_MAX,
    Moves,
    Plan,
    serve,
)

litellm.suppress_debug_info = True
PROVIDERS = {"chat": "openai", "responses": "openai/responses", "messages": "anthropic"}


def chat_answer(job, messages, **more):
    base = job["url"] if job["format"] == "messages" else job["url"] + "/v1"
    answer = litellm.completion(
        model=PROVIDERS[job["format"]] + "/" + job["model"],
        api_base=base,
        api_key=job["key"],
        num_retries=0,
        max_retries=0,
        messages=messages,
        stream=job["stream"],
        **more,
    )
    if not job["stream"]:
        return answer.choices[0].message
    return litellm.stream_chunk_builder(list(answer), messages=messages).choices[0].message


def text(job):
    return {"text": chat_answer(job, [{"role": "user", "content": QUESTION}]).content}


def tools(job):
    moves = Moves()
    messages = [{"role": "user", "content": QUESTION}]
    function = {"name": "move", "parameters": MOVE_PARAMETERS}
    more = {"tools": [{"type": "function", "function": function}]}
    # The relay's names of models are its operator's: that they think has to be said.
    if job["format"] == "messages":
        more["thinking"] = {"type": "enabled", "budget_tokens": THINKING_BUDGET}
        more |= {"max_tokens": TOKENS_MAX, "allowed_openai_params": ["thinking"]}
    else:
        more |= {"reasoning_effort": "low", "allowed_openai_params": ["reasoning_effort"]}
    message = chat_answer(job, messages, **more)
    messages.append(message)
    for call in message.tool_calls:
        done = moves.move(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": done})
    return {"text": chat_answer(job, messages, **more).content, "calls": moves.made}


def formed(job):
    more = {"response_format": Plan}
    answer = chat_answer(job, [{"role": "user", "content": QUESTION}], **more)
    return {"object": Plan.model_validate_json(answer.content).model_dump()}


serve(
    {
        (each, task): run
        for each in PROVIDERS
        for task, run in {"text": text, "error": text, "tools": tools, "object": formed}.items()
    }
)
