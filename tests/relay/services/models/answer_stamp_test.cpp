// The ids that the relay makes for answers whose provider gives none.
#include "relay/services/models/answer_stamp.hpp"

#include <doctest/doctest.h>

using namespace redoubt;

TEST_SUITE("answer stamps") {
  TEST_CASE("two answers to one request in one second have two ids") {
    llm::ChatRequest request;
    request.format = llm::WireFormat::openai_chat;
    request.model = "m";
    request.messages.push_back(llm::text_message(llm::Role::user, "Where to?"));
    const llm::AnswerStamp first = services::stamp_for(request, 7);
    CHECK(first.made_id != services::stamp_for(request, 7).made_id);
    CHECK(first.made_id.rfind("chatcmpl-", 0) == 0);
    const llm::AnswerStamp vectors = services::embeddings_stamp("m");
    CHECK(vectors.made_id != services::embeddings_stamp("m").made_id);
    CHECK(vectors.made_id.rfind("embd-", 0) == 0);
    CHECK(vectors.model == "m");
  }
}
