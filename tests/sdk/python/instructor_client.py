import instructor
from anthropic import Anthropic
from matrix_client import QUESTION, TOKENS_MAX, Plan, error_of, serve
from openai import OpenAI


def answer_of(job, modes):
    mode = modes[job["format"]]
    more = {}
    if job["format"] == "messages":
        client = Anthropic(base_url=job["url"], api_key=job["key"], max_retries=0)
        client = instructor.from_anthropic(client, mode=mode)
        more["max_tokens"] = TOKENS_MAX
    else:
        client = OpenAI(base_url=job["url"] + "/v1", api_key=job["key"], max_retries=0)
        client = instructor.from_openai(client, mode=mode)
    asked = {
        "model": job["model"],
        "messages": [{"role": "user", "content": QUESTION}],
        "response_model": Plan,
        "max_retries": 0,
        **more,
    }
    if not job["stream"]:
        return {"object": client.create(**asked).model_dump()}
    del asked["max_retries"]
    last = None
    for last in client.create_partial(**asked):
        pass
    return {"object": last.model_dump()}


JSON_MODES = {"chat": instructor.Mode.JSON_SCHEMA, "messages": instructor.Mode.ANTHROPIC_JSON}
TOOL_MODES = {
    "chat": instructor.Mode.TOOLS,
    "responses": instructor.Mode.RESPONSES_TOOLS,
    "messages": instructor.Mode.ANTHROPIC_TOOLS,
}


def by_json(job):
    return answer_of(job, JSON_MODES)


def by_tool(job):
    return answer_of(job, TOOL_MODES)


def error(job):
    # instructor's own exception names the SDK's as its cause.
    try:
        return answer_of(job, TOOL_MODES)
    except Exception as found:
        cause = found
        while not getattr(cause, "status_code", None) and cause.__cause__:
            cause = cause.__cause__
        return {"error": {**error_of(cause), "raised": type(found).__name__}}


serve(
    {
        **{(each, "object"): by_json for each in JSON_MODES},
        **{(each, "object by tool"): by_tool for each in TOOL_MODES},
        **{(each, "error"): error for each in TOOL_MODES},
    }
)
