// The stamps of answers: their ids, where the provider gives none, are random. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "engine/llm/encode_answer.hpp"

namespace redoubt::services {

/// Like llm::stamp_of(), but no two have one made id.
llm::AnswerStamp stamp_for(const llm::ChatRequest& request, std::int64_t created_s);

/// An embedding answer's.
llm::AnswerStamp embeddings_stamp(std::string model);

}  // namespace redoubt::services
