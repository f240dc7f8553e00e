from google import genai
from matrix_client import QUESTION, TEXTS, serve


def client_of(job):
    # A request is tried once: what it is refused with is the result.
    options = {"base_url": job["url"], "retry_options": {"attempts": 1}}
    return genai.Client(api_key=job["key"], http_options=options)


def texts_of(job, config=None):
    client = client_of(job)  # it closes when nobody holds it
    models = client.models
    asked = {"model": job["model"], "contents": QUESTION, "config": config}
    if not job["stream"]:
        answers = [models.generate_content(**asked)]
    else:
        answers = models.generate_content_stream(**asked)
    texts = {}
    for answer in answers:
        for candidate in answer.candidates or []:
            parts = (candidate.content and candidate.content.parts) or []
            words = "".join(part.text or "" for part in parts if not part.thought)
            index = candidate.index or 0
            texts[index] = texts.get(index, "") + words
    return [texts[index] for index in sorted(texts)]


def text(job):
    return {"text": texts_of(job)[0]}


def several(job):
    return {"texts": texts_of(job, {"candidate_count": 2})}


def embeddings(job):
    client = client_of(job)
    answer = client.models.embed_content(model=job["model"], contents=TEXTS)
    return {"vectors": [each.values for each in answer.embeddings]}


serve(
    {
        ("google", "text"): text,
        ("google", "error"): text,
        ("google", "several"): several,
        ("google", "embeddings"): embeddings,
    }
)
