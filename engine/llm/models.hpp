// What is known of models: limits, abilities and prices, from a data file (models.json). Every
// figure there has the date at which it was read, and where.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/usage.hpp"

namespace redoubt::llm {

struct ModelCard {
  std::string dialect;  ///< "anthropic"
  std::string model;    ///< the provider's name; a dated or tagged name begins with it
  std::int64_t context_tokens = 0;
  std::int64_t output_tokens_max = 0;
  bool tools = false;
  bool vision = false;
  bool json_schema = false;
  ReasoningStyle reasoning = ReasoningStyle::by_default;
  Price price;
  std::string as_of;   ///< "2025-09-30"
  std::string source;  ///< where the figures stand
};

class ModelTable {
 public:
  /// Errors: bad_json, bad_models with the path of what is wrong.
  static Result<ModelTable> read(std::string_view json);

  /// The card of the model with that name, else the one with the longest name that the name
  /// begins with, up to one of "-:@" (a date or a tag follows); null where there is none.
  const ModelCard* find(std::string_view dialect, std::string_view model) const;
  std::span<const ModelCard> cards() const { return cards_; }

 private:
  std::vector<ModelCard> cards_;
};

/// The table that the engine was built with.
std::string_view default_models_json();

}  // namespace redoubt::llm
