#include "engine/llm/models.hpp"

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::data {
extern const std::string_view default_models;
}

namespace redoubt::llm {
namespace {

constexpr std::size_t models_max = 2000;
constexpr std::int64_t model_tokens_max = 100'000'000;

std::optional<std::int64_t> optional_price(JsonFields& fields, const char* key) {
  const Json* value = fields.member_or_null(key);
  if (value == nullptr) return std::nullopt;
  return fields.integer(key, 0, price_max);
}

void read_price(const Json& json, const std::string& path, ModelCard& card,
                std::optional<Error>& error) {
  JsonFields fields(json, "bad_models", path);
  card.price.input = fields.integer("input", 0, price_max);
  card.price.output = fields.integer("output", 0, price_max);
  card.price.cached_read = optional_price(fields, "cached_read");
  card.price.cache_write = optional_price(fields, "cache_write");
  card.price.cache_write_long = optional_price(fields, "cache_write_long");
  card.price.reasoning = optional_price(fields, "reasoning");
  fields.refuse_unknown();
  if (!fields.ok()) error = fields.error();
}

ReasoningStyle read_style(JsonFields& fields) {
  const std::string word = fields.text_or("reasoning", 20, "none");
  if (word == "effort") return ReasoningStyle::effort;
  if (word == "budget") return ReasoningStyle::budget;
  if (word == "always") return ReasoningStyle::none;  // thinks, and cannot be told how much
  if (word != "none") fields.fault("reasoning", "none, effort, budget or always", word);
  return ReasoningStyle::none;
}

bool read_flag(const Json& json, JsonFields& fields, const char* key) {
  (void)fields.member_or_null(key);
  return true_in(json, key);
}

Result<ModelCard> read_card(const Json& json, const std::string& path) {
  ModelCard card;
  JsonFields fields(json, "bad_models", path);
  card.dialect = fields.text("dialect", 40);
  card.model = fields.text("model", 120);
  card.context_tokens = fields.integer("context_tokens", 1, model_tokens_max);
  card.output_tokens_max = fields.integer("output_tokens_max", 1, model_tokens_max);
  card.tools = read_flag(json, fields, "tools");
  card.vision = read_flag(json, fields, "vision");
  card.json_schema = read_flag(json, fields, "json_schema");
  card.reasoning = read_style(fields);
  card.as_of = fields.text("as_of", 10);
  card.source = fields.text("source", 300);
  const Json* price = fields.member("price");
  fields.refuse_unknown();
  if (fields.ok() && find_dialect(card.dialect) == nullptr) {
    fields.fault("dialect", "the name of a dialect", card.dialect);
  }
  if (!fields.ok()) return fields.error();
  std::optional<Error> error;
  read_price(*price, path + ".price", card, error);
  if (error) return std::move(*error);
  return card;
}

bool begins(std::string_view name, std::string_view with) {
  if (name.substr(0, with.size()) != with) return false;
  return name.size() == with.size() ||
         std::string_view("-:@").find(name[with.size()]) != std::string_view::npos;
}

}  // namespace

Result<ModelTable> ModelTable::read(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed.ok()) return std::move(parsed.error());
  const Json* models = member_of(parsed.value(), "models");
  if (models == nullptr || !models->is_array() || models->size() > models_max) {
    return make_error("bad_models", {"models: expected a list"}, {"models"},
                      {"a list of at most ", models_max}, {});
  }
  ModelTable table;
  for (std::size_t i = 0; i < models->size(); ++i) {
    auto card = read_card((*models)[i], joined({"models[", i, "]"}));
    if (!card.ok()) return std::move(card.error());
    table.cards_.push_back(std::move(card).value());
  }
  return table;
}

std::string_view default_models_json() {
  return data::default_models;
}

const ModelCard* ModelTable::find(std::string_view dialect, std::string_view model) const {
  const ModelCard* best = nullptr;
  for (const ModelCard& card : cards_) {
    if (card.dialect != dialect || !begins(model, card.model)) continue;
    if (best == nullptr || card.model.size() > best->model.size()) best = &card;
  }
  return best;
}

}  // namespace redoubt::llm
