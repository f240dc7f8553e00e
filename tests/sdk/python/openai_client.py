import json

from matrix_client import MOVE_PARAMETERS, QUESTION, TEXTS, Moves, Plan, serve
from openai import OpenAI


def client_of(job):
    return OpenAI(base_url=job["url"] + "/v1", api_key=job["key"], max_retries=0)


def chat_helpers(client):
    # 1.x has them under beta for most of its life.
    chat = client.chat.completions
    return chat if hasattr(chat, "parse") else client.beta.chat.completions


def chat_answer(job, **more):
    client = client_of(job)
    if not job["stream"]:
        return client.chat.completions.create(model=job["model"], **more)
    with chat_helpers(client).stream(model=job["model"], **more) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion()


def chat_text(job):
    answer = chat_answer(job, messages=[{"role": "user", "content": QUESTION}])
    return {"text": answer.choices[0].message.content}


def chat_tools(job):
    moves = Moves()
    messages = [{"role": "user", "content": QUESTION}]
    function = {"name": "move", "parameters": MOVE_PARAMETERS, "strict": True}
    more = {
        "tools": [{"type": "function", "function": function}],
        "reasoning_effort": "low",
    }
    message = chat_answer(job, messages=messages, **more).choices[0].message
    messages.append(message)
    for call in message.tool_calls:
        done = moves.move(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": done})
    last = chat_answer(job, messages=messages, **more).choices[0].message
    return {"text": last.content, "calls": moves.made}


def chat_object(job):
    answer = chat_helpers(client_of(job)).parse(
        model=job["model"],
        messages=[{"role": "user", "content": QUESTION}],
        response_format=Plan,
    )
    return {"object": answer.choices[0].message.parsed.model_dump()}


def chat_several(job):
    answer = chat_answer(job, messages=[{"role": "user", "content": QUESTION}], n=2)
    return {"texts": [choice.message.content for choice in answer.choices]}


def embeddings(job):
    answer = client_of(job).embeddings.create(model=job["model"], input=TEXTS)
    return {"vectors": [item.embedding for item in answer.data]}


def responses_answer(job, **more):
    client = client_of(job)
    if not job["stream"]:
        return client.responses.create(model=job["model"], **more)
    with client.responses.stream(model=job["model"], **more) as stream:
        for _ in stream:
            pass
        return stream.get_final_response()


def responses_text(job):
    return {"text": responses_answer(job, input=QUESTION).output_text}


def responses_tools(job):
    moves = Moves()
    items = [{"role": "user", "content": QUESTION}]
    tool = {"type": "function", "name": "move", "parameters": MOVE_PARAMETERS, "strict": True}
    more = {
        "tools": [tool],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    answer = responses_answer(job, input=items, **more)
    items += answer.output
    for item in answer.output:
        if item.type == "function_call":
            done = moves.move(**json.loads(item.arguments))
            output = {"type": "function_call_output", "call_id": item.call_id, "output": done}
            items.append(output)
    last = responses_answer(job, input=items, **more)
    return {"text": last.output_text, "calls": moves.made}


def responses_object(job):
    answer = client_of(job).responses.parse(model=job["model"], input=QUESTION, text_format=Plan)
    return {"object": answer.output_parsed.model_dump()}


serve(
    {
        ("chat", "text"): chat_text,
        ("chat", "error"): chat_text,
        ("chat", "tools"): chat_tools,
        ("chat", "object"): chat_object,
        ("chat", "several"): chat_several,
        ("chat", "embeddings"): embeddings,
        ("responses", "text"): responses_text,
        ("responses", "error"): responses_text,
        ("responses", "tools"): responses_tools,
        ("responses", "object"): responses_object,
    }
)
