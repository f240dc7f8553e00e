// Embeddings in OpenAI's shape (POST /v1/embeddings) and Google's (:embedContent): texts in, a
// vector of numbers for each out.
//
// 1. Targets of OpenAI's formats are asked in the same shape, Gemini by batchEmbedContents.
//    Anthropic and some others have no embeddings: "unsupported". One content of Google's has one
//    vector, however many parts it has: other targets are asked for its texts on lines of their
//    own.
// 2. What the vectors depend on is never dropped silently: dimensions, tokens, a task and a title
//    that a target cannot take are "unsupported", too.
// 3. An answer is told as any other: its vectors are opaque parts of a ChatAnswer, in the order of
//    the inputs, each as its provider wrote it: a JSON list of numbers, or a JSON text that is the
//    base64 of little-endian 32-bit floats. They are brought to what the client wants at the end.
// 4. Targets of OpenAI's formats are asked for base64, which is exact and a fourth as long, as
//    OpenAI's SDKs ask them by default; those that do not know it answer with lists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {

/// Of one request, as OpenAI has it (https://platform.openai.com/docs/api-reference/embeddings).
constexpr std::size_t embedding_inputs_max = 2'048;
/// As Google has it (https://ai.google.dev/api/embeddings, batchEmbedContents).
constexpr std::size_t gemini_embedding_inputs_max = 100;
constexpr std::int64_t embedding_dimensions_max = 65'536;
constexpr std::size_t embedding_task_type_bytes_max = 64;
constexpr std::size_t embedding_title_bytes_max = 1'024;
/// What a number of an answer takes at most, by how it is written: 4 bytes in base64, and each
/// vector's own members; or in decimals on a line of its own, as Gemini writes it.
constexpr std::int64_t embedding_base64_number_bytes = 6;
constexpr std::int64_t embedding_listed_number_bytes = 26;
/// As it is written for a client that asks for lists.
constexpr std::int64_t embedding_written_number_bytes = 12;

struct EmbeddingRequest {
  std::string model;
  std::vector<std::string> inputs;  ///< texts, or lists of tokens' numbers as JSON
  /// Google's, of contents of several parts, which have one vector together: by input, where in its
  /// text a line feed stands between two of them. Empty where no content has several.
  std::vector<std::vector<std::size_t>> part_ends;
  bool by_tokens = false;
  bool as_base64 = false;  ///< else as lists of numbers
  std::optional<std::int64_t> dimensions;
  std::string task_type;  ///< Google's: what the vectors are for
  std::string title;      ///< Google's: of the documents
  std::string extra;      ///< members without a neutral name, for targets of OpenAI's formats
};

/// Errors: bad_json, or bad_request with the member's path.
Result<EmbeddingRequest> decode_embedding_request(std::string_view body);

/// Google's embedContent, or batchEmbedContents; the model is in the address. Texts alone, and
/// the same settings for all contents. Errors: bad_json, or bad_request with the member's path.
Result<EmbeddingRequest> decode_gemini_embedding_request(std::string_view body, bool as_batch);

/// REQUIRES: target.dialect. `dimensions_usual`: of the model's vectors, 0 where it is not known;
/// `read_bytes_max`: of the longest answer that is read.
/// Errors: unsupported, also where the answer would be longer.
Result<WireRequest> encode_embedding_request(const EmbeddingRequest& request, const Target& target,
                                             std::int64_t dimensions_usual,
                                             std::int64_t read_bytes_max);

/// What reads an answer of that format (Decoder::read_by).
DecodeWhole embedding_decoder(WireFormat format);

/// REQUIRES: an answer of embedding_decoder(). `input_tokens` stands for a usage that the provider
/// did not report.
std::string encode_embeddings(const ChatAnswer& answer, const AnswerStamp& stamp, bool as_base64,
                              std::int64_t input_tokens);
/// The same as Google has it: one embedding, or the list of a batch.
std::string encode_gemini_embeddings(const ChatAnswer& answer, bool as_batch,
                                     std::int64_t input_tokens);

}  // namespace redoubt::llm
