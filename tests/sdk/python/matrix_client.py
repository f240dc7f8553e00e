"""What the SDKs' programs beside this file share: jobs as lines of JSON in, results as lines out.

A job is {"format", "url", "key", "model", "task", "stream"}; tests/sdk/matrix.mjs makes them and
judges the results: {"text"}, {"text", "calls"}, {"object"}, {"texts"}, {"vectors"}, {"error": {"classes", "status",
"retry_after"}}.
"""

import asyncio
import inspect
import json
import sys
import traceback

from pydantic import BaseModel

QUESTION = "Where to?"
TEXTS = [QUESTION, "Hold the bridge."]  # for embeddings
THINKING_BUDGET = 2048
TOKENS_MAX = 8000


class Plan(BaseModel):
    plan: str


MOVE_PARAMETERS = {
    "type": "object",
    "properties": {"to": {"type": "integer"}},
    "required": ["to"],
    "additionalProperties": False,
}


class Moves:
    """The tool of the loops, and how often it was called."""

    def __init__(self):
        self.made = []

    def move(self, to: int) -> str:
        """Moves to a tile."""
        self.made.append(to)
        return f"moved to {to}"


def error_of(error):
    """An exception as its classes, its own and those that it descends from, and what it carries."""
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    headers = getattr(response, "headers", None) or getattr(error, "headers", None) or {}
    return {
        "classes": [each.__name__ for each in type(error).__mro__],
        "status": status,
        "retry_after": headers.get("retry-after"),
        "message": str(error)[:300],
    }


async def _done(value):
    return await value if inspect.isawaitable(value) else value


def serve(tasks):
    """`tasks` is {(format, task): function of a job}; a task may be a coroutine."""

    async def all_jobs():
        for line in iter(sys.stdin.readline, ""):
            job = json.loads(line)
            try:
                result = await _done(tasks[job["format"], job["task"]](job))
            except Exception as error:  # the runner judges whether it was due
                result = {"error": error_of(error)}
                if job["task"] != "error":
                    result["trace"] = traceback.format_exc()[-1500:]
            out.write(json.dumps(result) + "\n")
            out.flush()

    # SDKs may print; results go where the standard output was.
    out = sys.stdout
    sys.stdout = sys.stderr
    asyncio.run(all_jobs())
