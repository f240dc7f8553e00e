#include "engine/llm/models.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/utc_date.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::data {
extern const std::string_view default_models;
}

namespace redoubt::llm {

namespace {

constexpr std::size_t models_max = 2'000;
constexpr std::size_t names_max = 32;
constexpr std::size_t rates_max = 16;
constexpr std::size_t name_bytes_max = 120;
constexpr std::size_t text_bytes_max = 300;
constexpr std::int64_t model_tokens_max = 100'000'000;
constexpr std::int32_t minutes_per_day = 1'440;

constexpr std::array<std::string_view, 11> thinking_names{
    "none",     "always",       "effort",         "level",
    "switch",   "budget",       "budget_always",  "budget_or_adaptive",
    "adaptive", "adaptive_off", "adaptive_always"};
constexpr std::array<std::string_view, 3> temperature_names{"always", "without_thinking", "never"};
constexpr std::array<std::string_view, 5> abilities{"tools", "vision", "audio", "documents",
                                                    "json_schema"};
constexpr std::array<std::string_view, 7> weekdays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

using Names = std::span<const std::string_view>;

std::string one_of(Names names) {
  std::string text = "one of";
  for (std::size_t i = 0; i < names.size(); ++i)
    text += joined({i == 0 ? " " : ", ", names[i]});
  return text;
}

/// The word's place among the names; a fault, and 0, where it is none of them.
std::size_t choice(JsonFields& fields, std::string_view key, std::string_view word, Names names) {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  fields.fault(key, one_of(names), joined({"\"", word.substr(0, name_bytes_max), "\""}));
  return 0;
}

std::vector<std::string> read_texts(JsonFields& fields, const char* key) {
  std::vector<std::string> texts;
  const Json* list = fields.member_or_null(key);
  if (list == nullptr) return texts;
  if (!list->is_array() || list->size() > names_max) {
    fields.fault(key, joined({"a list of at most ", names_max, " texts"}), describe(*list));
    return texts;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string_view text = text_of(&(*list)[i]);
    if (text.empty() || text.size() > name_bytes_max) {
      fields.fault(joined({key, "[", i, "]"}),
                   joined({"a text of 1 to ", name_bytes_max, " bytes"}), describe((*list)[i]));
      return texts;
    }
    texts.emplace_back(text);
  }
  return texts;
}

std::optional<std::int64_t> read_price(JsonFields& fields, const char* key) {
  if (fields.member_or_null(key) == nullptr) return std::nullopt;
  return fields.integer(key, 0, price_max);
}

std::optional<std::int64_t> read_day(JsonFields& fields, const char* key) {
  if (fields.member_or_null(key) == nullptr) return std::nullopt;
  const std::string text = fields.text(key, 10);
  const auto day = parse_date(text);
  if (!day && fields.ok()) fields.fault(key, "a date such as 2026-12-31", text);
  return day;
}

/// Minutes of "04:30"; -1 for what is no time. A day ends at 24:00.
std::int32_t minutes_of(std::string_view text) {
  const auto digit = [&text](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return -1;
  const std::int32_t hour = (text[0] - '0') * 10 + (text[1] - '0');
  const std::int32_t minute = (text[3] - '0') * 10 + (text[4] - '0');
  return minute > 59 || hour * 60 + minute > minutes_per_day ? -1 : hour * 60 + minute;
}

/// The first fault of all is the one that is told.
void keep(const JsonFields& fields, std::optional<Error>& error) {
  if (!fields.ok() && !error) error = fields.error();
}

WeekHours read_hours(const Json& json, const std::string& path, std::optional<Error>& error) {
  WeekHours hours;
  JsonFields fields(json, "bad_models", path);
  for (const std::string& day : read_texts(fields, "days"))
    hours.days =
        static_cast<std::uint8_t>(hours.days | 1u << choice(fields, "days", day, weekdays));
  for (const std::string& text : read_texts(fields, "utc")) {
    const std::size_t dash = std::min(text.find('-'), text.size() - 1);
    const WeekHours::Span span{minutes_of(text.substr(0, dash)), minutes_of(text.substr(dash + 1))};
    if (span.from_minute < 0 || span.until_minute <= span.from_minute)
      fields.fault("utc", "hours of a day such as 01:00-04:00", text);
    hours.spans.push_back(span);
  }
  if (fields.ok() && (hours.days == 0 || hours.spans.empty()))
    fields.fault(hours.days == 0 ? "days" : "utc", "at least one", "none");
  fields.refuse_unknown();
  keep(fields, error);
  return hours;
}

Rate read_rate(const Json& json, const std::string& path, bool first, std::optional<Error>& error) {
  Rate rate;
  JsonFields fields(json, "bad_models", path);
  rate.price.input = fields.integer("input", 0, price_max);
  rate.price.output = fields.integer("output", 0, price_max);
  rate.price.cached_read = read_price(fields, "cached_read");
  rate.price.cache_write = read_price(fields, "cache_write");
  rate.price.cache_write_long = read_price(fields, "cache_write_long");
  rate.price.reasoning = read_price(fields, "reasoning");
  rate.price.audio_input = read_price(fields, "audio_input");
  rate.price.audio_cached_read = read_price(fields, "audio_cached_read");
  rate.price.audio_output = read_price(fields, "audio_output");
  const auto from = read_day(fields, "from");
  const auto until = read_day(fields, "until");
  if (from) rate.from_s = *from * seconds_per_day;
  if (until) rate.until_s = *until * seconds_per_day;
  rate.above_tokens = fields.integer_or("above_tokens", 0, model_tokens_max, -1);
  if (const Json* hours = fields.member_or_null("hours"))
    rate.hours = read_hours(*hours, path + ".hours", error);
  fields.refuse_unknown();
  const bool conditional = from || until || rate.above_tokens >= 0 || rate.hours;
  if (fields.ok() && !error && conditional == first)
    fields.fault("",
                 first ? "no condition on the first rate, which always counts"
                       : "a condition: from, until, above_tokens or hours",
                 first ? "one" : "none");
  keep(fields, error);
  return rate;
}

std::vector<Rate> read_rates(const Json& json, const std::string& path,
                             std::optional<Error>& error) {
  std::vector<Rate> rates;
  if (!json.is_array() || json.empty() || json.size() > rates_max) {
    if (!error)
      error = make_error("bad_models", {path, ": expected a list of 1 to ", rates_max, " rates"},
                         {path}, {"a list of 1 to ", rates_max, " rates"}, {});
    return rates;
  }
  for (std::size_t i = 0; i < json.size() && !error; ++i)
    rates.push_back(read_rate(json[i], joined({path, "[", i, "]"}), i == 0, error));
  return rates;
}

Fees read_fees(const Json& json, const std::string& path, std::optional<Error>& error) {
  Fees fees;
  JsonFields fields(json, "bad_models", path);
  fees.web_search = fields.integer_or("web_search", 0, fee_max, 0);
  fees.file_search = fields.integer_or("file_search", 0, fee_max, 0);
  fields.refuse_unknown();
  keep(fields, error);
  return fees;
}

void read_abilities(JsonFields& fields, ModelCard& card) {
  if (fields.member_or_null("takes") == nullptr) return;
  std::array<bool, abilities.size()> has{};
  for (const std::string& word : read_texts(fields, "takes"))
    has[choice(fields, "takes", word, abilities)] = true;
  std::tie(card.tools, card.vision, card.audio, card.documents, card.json_schema) =
      std::tie(has[0], has[1], has[2], has[3], has[4]);
}

void read_thinking(JsonFields& fields, ModelCard& card) {
  if (fields.member_or_null("thinking") != nullptr) {
    const std::string word = fields.text("thinking", name_bytes_max);
    card.thinking = static_cast<Thinking>(choice(fields, "thinking", word, thinking_names));
    card.tells_thinking = true;
  }
  if (fields.member_or_null("efforts") != nullptr) card.efforts = read_texts(fields, "efforts");
  card.effort_default = fields.text_or("effort_default", name_bytes_max, card.effort_default);
  if (!card.effort_default.empty() && fields.ok() &&
      std::find(card.efforts.begin(), card.efforts.end(), card.effort_default) ==
          card.efforts.end())
    fields.fault("effort_default", "one of the efforts", card.effort_default);
  if (fields.member_or_null("temperature") != nullptr) {
    const std::string word = fields.text("temperature", name_bytes_max);
    card.temperature =
        static_cast<TakesTemperature>(choice(fields, "temperature", word, temperature_names));
  }
}

void read_dialects(JsonFields& fields, std::vector<std::string>& dialects) {
  const bool one = fields.member_or_null("dialect") != nullptr;
  const bool several = fields.member_or_null("dialects") != nullptr;
  if (one == several) {
    fields.fault("dialect", "dialect, or dialects with a list", one ? "both" : "nothing");
  } else if (one) {
    dialects = {fields.text("dialect", name_bytes_max)};
  } else {
    dialects = read_texts(fields, "dialects");
  }
  for (const std::string& dialect : dialects) {
    if (fields.ok() && find_dialect(dialect) == nullptr)
      fields.fault(one ? "dialect" : "dialects", "the name of a dialect", dialect);
  }
}

bool overlaps(const ModelCard& a, const ModelCard& b, std::string& name) {
  std::vector<std::string> names = b.aliases;
  names.push_back(b.model);
  for (const std::string& dialect : b.dialects) {
    for (const std::string& each : names) {
      if (!a.is_called(dialect, each)) continue;
      name = each;
      return true;
    }
  }
  return false;
}

}  // namespace

/// Reads one file into a table; `shipped` is what `like` looks at.
class ModelReader {
 public:
  ModelReader(const Json& root, const ModelTable* shipped) : root_(root), shipped_(shipped) {}

  Result<void> read(ModelTable& table) const {
    JsonFields fields(root_, "bad_models");
    for (const char* known : {"about", "sources"})
      (void)fields.member_or_null(known);
    const Json* models = list(fields, "models", shipped_ == nullptr);
    const Json* embeddings = list(fields, "embeddings", false);
    fields.refuse_unknown();
    if (!fields.ok()) return fields.error();
    std::optional<Error> error;
    for (std::size_t i = 0; models != nullptr && i < models->size() && !error; ++i)
      table.cards_.push_back(read_card((*models)[i], joined({"models[", i, "]"}), error));
    for (std::size_t i = 0; embeddings != nullptr && i < embeddings->size() && !error; ++i)
      table.embeddings_.push_back(
          read_embedding((*embeddings)[i], joined({"embeddings[", i, "]"}), error));
    if (error) return std::move(*error);
    return refuse_twins(table);
  }

 private:
  static const Json* list(JsonFields& fields, const char* key, bool needed) {
    const Json* found = needed ? fields.member(key) : fields.member_or_null(key);
    if (found == nullptr || (found->is_array() && found->size() <= models_max)) return found;
    fields.fault(key, joined({"a list of at most ", models_max}), describe(*found));
    return nullptr;
  }

  static Result<void> refuse_twins(const ModelTable& table) {
    for (std::size_t i = 0; i < table.cards_.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        std::string name;
        if (!overlaps(table.cards_[j], table.cards_[i], name)) continue;
        return make_error("bad_models",
                          {"models[", i, "]: the name ", name, " is that of models[", j, "]"},
                          {"models[", i, "]"}, {"a name of its own"}, {name});
      }
    }
    return {};
  }

  void read_source(JsonFields& fields, std::string& source, std::string& as_of) const {
    source = fields.text_or("source", text_bytes_max, source);
    if (const Json* listed = member_of(member_of(root_, "sources"), source.c_str())) {
      as_of = text_in(*listed, "as_of");
      source = text_in(*listed, "url");
    }
    as_of = fields.text_or("as_of", 10, as_of);
    if (!as_of.empty() && !parse_date(as_of) && fields.ok())
      fields.fault("as_of", "a date such as 2026-12-31", as_of);
  }

  /// What the row begins with: nothing, or the shipped card that it is like.
  ModelCard base_of(JsonFields& fields) const {
    if (fields.member_or_null("like") == nullptr) return {};
    const std::string like = fields.text("like", 2 * name_bytes_max);
    const std::size_t slash = like.find('/');
    const ModelCard* card = shipped_ == nullptr || slash == std::string::npos
                                ? nullptr
                                : shipped_->find(std::string_view(like).substr(0, slash),
                                                 std::string_view(like).substr(slash + 1));
    if (card != nullptr) return *card;
    if (fields.ok())
      fields.fault("like", "DIALECT/MODEL of a shipped card, such as openai/gpt-5.4-mini", like);
    return {};
  }

  ModelCard read_card(const Json& json, const std::string& path,
                      std::optional<Error>& error) const {
    JsonFields fields(json, "bad_models", path);
    ModelCard card = base_of(fields);
    const bool anew = card.model.empty();
    read_dialects(fields, card.dialects);
    card.model = fields.text("model", name_bytes_max);
    card.aliases = read_texts(fields, "aliases");
    const auto tokens = [&](const char* key, std::int64_t& value) {
      if (anew || fields.member_or_null(key) != nullptr)
        value = fields.integer(key, 1, model_tokens_max);
    };
    tokens("context_tokens", card.context_tokens);
    tokens("output_tokens_max", card.output_tokens_max);
    card.image_tokens_max =
        fields.integer_or("image_tokens_max", 1, model_tokens_max, card.image_tokens_max);
    read_abilities(fields, card);
    read_thinking(fields, card);
    if (const auto day = read_day(fields, "shut_off")) card.shut_off_day = day;
    card.successor = fields.text_or("successor", name_bytes_max, card.successor);
    card.note = fields.text_or("note", text_bytes_max, card.note);
    read_source(fields, card.source, card.as_of);
    const Json* rates = anew ? fields.member("rates") : fields.member_or_null("rates");
    const Json* fees = fields.member_or_null("fees");
    fields.refuse_unknown();
    if (fields.ok() && card.model.empty()) fields.fault("model", "a name", "an empty text");
    keep(fields, error);
    if (rates != nullptr) card.tariff.rates = read_rates(*rates, path + ".rates", error);
    if (fees != nullptr) card.tariff.fees = read_fees(*fees, path + ".fees", error);
    card.operators_own = shipped_ != nullptr;
    return card;
  }

  EmbeddingCard read_embedding(const Json& json, const std::string& path,
                               std::optional<Error>& error) const {
    EmbeddingCard card;
    JsonFields fields(json, "bad_models", path);
    std::vector<std::string> dialects;
    read_dialects(fields, dialects);
    if (!dialects.empty()) card.dialect = dialects.front();
    card.model = fields.text("model", name_bytes_max);
    card.aliases = read_texts(fields, "aliases");
    card.input_tokens_max = fields.integer("input_tokens_max", 1, model_tokens_max);
    card.dimensions = fields.integer("dimensions", 1, model_tokens_max);
    card.shut_off_day = read_day(fields, "shut_off");
    card.note = fields.text_or("note", text_bytes_max, "");
    read_source(fields, card.source, card.as_of);
    const Json* price = fields.member("price");
    fields.refuse_unknown();
    keep(fields, error);
    if (price == nullptr) return card;
    JsonFields prices(*price, "bad_models", path + ".price");
    card.input_price = prices.integer("input", 0, price_max);
    for (const char* kind : {"image", "audio", "video"})
      (void)prices.integer_or(kind, 0, price_max, 0);
    prices.refuse_unknown();
    keep(prices, error);
    return card;
  }

  const Json& root_;
  const ModelTable* shipped_;
};

std::string_view thinking_name(Thinking thinking) {
  return thinking_names[static_cast<std::size_t>(thinking)];
}

std::string_view temperature_name(TakesTemperature temperature) {
  return temperature_names[static_cast<std::size_t>(temperature)];
}

bool ModelCard::is_called(std::string_view dialect, std::string_view name) const {
  if (std::find(dialects.begin(), dialects.end(), dialect) == dialects.end()) return false;
  return model == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end();
}

bool EmbeddingCard::is_called(std::string_view by, std::string_view name) const {
  if (dialect != (by == "openai-responses" ? "openai" : by)) return false;
  return model == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end();
}

ReasoningStyle ModelCard::reasoning() const {
  switch (thinking) {
    case Thinking::none:
    case Thinking::always:
      return ReasoningStyle::none;
    case Thinking::budget:
      return ReasoningStyle::budget;
    case Thinking::budget_always:
      return ReasoningStyle::budget_always;
    case Thinking::budget_or_adaptive:
      return ReasoningStyle::budget_or_adaptive;
    case Thinking::effort:
    case Thinking::level:
    case Thinking::toggle:
      return ReasoningStyle::effort;
    case Thinking::adaptive:
    case Thinking::adaptive_off:
      return ReasoningStyle::adaptive;
    case Thinking::adaptive_always:
      return ReasoningStyle::adaptive_always;
  }
  return ReasoningStyle::by_default;
}

bool ModelCard::takes_sampling(const ReasoningSetting& asked) const {
  if (temperature != TakesTemperature::without_thinking)
    return temperature == TakesTemperature::always;
  const bool by_budget = thinking == Thinking::budget || thinking == Thinking::budget_always ||
                         thinking == Thinking::budget_or_adaptive;
  const std::string& effort = asked.effort.empty() ? effort_default : asked.effort;
  if (by_budget) return !asked.budget_tokens && (effort.empty() || effort == "none");
  // A model that cannot leave off thinking is told the least word instead.
  const bool off = std::find(efforts.begin(), efforts.end(), "none") != efforts.end();
  return effort == "none" && (off || efforts.empty());
}

bool ModelCard::prices_sound() const {
  if (!audio) return false;
  if (std::find(dialects.begin(), dialects.end(), "gemini") != dialects.end()) return true;
  return !tariff.rates.empty() &&
         std::all_of(tariff.rates.begin(), tariff.rates.end(),
                     [](const Rate& rate) { return rate.price.audio_input.has_value(); });
}

Result<ModelTable> ModelTable::read(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed.ok()) return std::move(parsed.error());
  ModelTable table;
  if (auto done = ModelReader(parsed.value(), nullptr).read(table); !done.ok())
    return std::move(done.error());
  return table;
}

Result<ModelTable> ModelTable::with(std::string_view operators_json) const {
  auto parsed = parse_json(operators_json);
  if (!parsed.ok()) return std::move(parsed.error());
  ModelTable own;
  if (auto done = ModelReader(parsed.value(), this).read(own); !done.ok())
    return std::move(done.error());
  // First come, first found.
  ModelTable table = std::move(own);
  table.cards_.insert(table.cards_.end(), cards_.begin(), cards_.end());
  table.embeddings_.insert(table.embeddings_.end(), embeddings_.begin(), embeddings_.end());
  return table;
}

std::string_view default_models_json() {
  return data::default_models;
}

const ModelCard* ModelTable::find(std::string_view dialect, std::string_view model) const {
  const auto found = std::find_if(cards_.begin(), cards_.end(), [&](const ModelCard& card) {
    return card.is_called(dialect, model);
  });
  return found == cards_.end() ? nullptr : &*found;
}

const EmbeddingCard* ModelTable::find_embedding(std::string_view dialect,
                                                std::string_view model) const {
  const auto found =
      std::find_if(embeddings_.begin(), embeddings_.end(),
                   [&](const EmbeddingCard& card) { return card.is_called(dialect, model); });
  return found == embeddings_.end() ? nullptr : &*found;
}

}  // namespace redoubt::llm
