// What is known of models: names, limits, abilities and prices, from a data file (models.json) and
// an operator's own of the same form. Every figure has the date at which it was known, and where.
//
// 1. A card has its own name, other names that the provider lists for it (dated versions among
//    them), and no more: a name that is not listed is another model, whatever it begins with.
// 2. No two cards of a file have one name with one dialect.
// 3. A row of the operator's file goes before a shipped card with its name.
//
// A row: {"dialect": "openai" or "dialects": [...], "model", "aliases"?: [...], "context_tokens",
// "output_tokens_max", "takes"?: [tools, vision, audio, documents, json_schema],
// "thinking"?: none | always | effort | level | switch | budget | budget_always |
// budget_or_adaptive | adaptive | adaptive_off | adaptive_always, "efforts"?: [...],
// "effort_default"?, "image_tokens_max"?,
// "temperature"?: always | without_thinking | never,
// "rates": [{"input", "output", "cached_read"?, "cache_write"?, "cache_write_long"?, "reasoning"?,
// "audio_input"?, "audio_cached_read"?, "audio_output"?, and, but for the first, a condition or
// more: "from"?, "until"? (dates, the second exclusive), "above_tokens"?,
// "hours"?: {"days": [mon ...], "utc": ["01:00-04:00"]}}], "fees"?: {"web_search"?,
// "file_search"?}, "shut_off"? (a date), "successor"?, "source"?, "as_of"?, "note"?}. `source` is a
// name among the file's "sources": {NAME: {"url", "as_of"}}, or a place of its own. `like`:
// "openai/gpt-5.4-mini" takes what the row does not say from that shipped card.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/tariff.hpp"

namespace redoubt::llm {

/// How a model thinks, and what tells it how much.
enum class Thinking : std::uint8_t {
  none,           ///< it does not
  always,         ///< it does, and cannot be told how much
  effort,         ///< by a word (OpenAI and those like it); "none" among the words turns it off
  level,          ///< by a word, Gemini's thinkingLevel
  toggle,         ///< on by default, can be off, and takes a word (DeepSeek)
  budget,         ///< by a number of tokens; off where none is given
  budget_always,  ///< by a number of tokens, never off
  budget_or_adaptive,  ///< Anthropic's 4.6: off by default, by a number of tokens or by a word
  adaptive,            ///< Anthropic's: on by default, can be off, takes a word
  adaptive_off,        ///< off by default, takes a word
  adaptive_always,     ///< never off, takes a word
};
std::string_view thinking_name(Thinking thinking);

/// Whether a model takes a temperature.
enum class TakesTemperature : std::uint8_t { always, without_thinking, never };
std::string_view temperature_name(TakesTemperature temperature);

struct ModelCard {
  std::vector<std::string> dialects;  ///< "openai", "openai-responses": who serves it so
  std::string model;                  ///< the provider's name
  std::vector<std::string> aliases;   ///< its other names
  std::int64_t context_tokens = 0;    ///< of the prompt
  std::int64_t output_tokens_max = 0;
  /// Of one image; 0: no more than limits::image_tokens (relay/limits/token_bound.hpp).
  std::int64_t image_tokens_max = 0;
  bool tools = false;
  bool vision = false;
  bool audio = false;
  bool documents = false;
  bool json_schema = false;
  Thinking thinking = Thinking::none;
  bool tells_thinking = false;       ///< the row says it; else it is not known
  std::vector<std::string> efforts;  ///< the words that it takes, least first
  std::string effort_default;        ///< "" where it is not known
  TakesTemperature temperature = TakesTemperature::always;
  Tariff tariff;
  std::optional<std::int64_t> shut_off_day;  ///< from which on the provider answers it no more
  std::string successor;                     ///< whom the provider names in its place; "" for none
  std::string as_of;                         ///< "2026-11-29"
  std::string source;                        ///< where the figures stand
  std::string note;                          ///< what is not certain about them
  bool operators_own = false;                ///< a row of the operator's file

  bool is_called(std::string_view dialect, std::string_view name) const;
  /// What the encoders are told.
  ReasoningStyle reasoning() const;
  bool takes_sampling(const ReasoningSetting& asked) const;
  /// Does the card say what a token of sound costs? Gemini's do, where they have no price apart.
  bool prices_sound() const;
};

/// A model that turns texts into vectors.
struct EmbeddingCard {
  std::string dialect;
  std::string model;
  std::vector<std::string> aliases;
  std::int64_t input_tokens_max = 0;
  std::int64_t dimensions = 0;
  std::int64_t input_price = 0;  ///< micro-dollars per million tokens of text
  std::optional<std::int64_t> shut_off_day;
  std::string as_of;
  std::string source;
  std::string note;

  bool is_called(std::string_view dialect, std::string_view name) const;
};

class ModelTable {
 public:
  /// Errors: bad_json with its line, bad_models with the path of what is wrong.
  static Result<ModelTable> read(std::string_view json);
  /// This table with the rows of an operator's file over it. Errors as read.
  Result<ModelTable> with(std::string_view operators_json) const;

  /// The card of exactly this name, null where there is none.
  const ModelCard* find(std::string_view dialect, std::string_view model) const;
  /// The same among the embeddings. OpenAI's own dialects have the same of them.
  const EmbeddingCard* find_embedding(std::string_view dialect, std::string_view model) const;
  std::span<const ModelCard> cards() const { return cards_; }
  std::span<const EmbeddingCard> embeddings() const { return embeddings_; }

 private:
  friend class ModelReader;

  std::vector<ModelCard> cards_;
  std::vector<EmbeddingCard> embeddings_;
};

/// The table that the engine was built with.
std::string_view default_models_json();

}  // namespace redoubt::llm
