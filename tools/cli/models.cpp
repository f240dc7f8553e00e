// redoubt models: the cards of language models, the shipped ones and an operator's own.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/nearest.hpp"
#include "engine/base/utc_date.hpp"
#include "engine/llm/models.hpp"
#include "relay/auth/key_ring.hpp"
#include "tools/cli/relay_config.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

using llm::ModelCard;
using llm::ModelTable;
using llm::Price;
using llm::Rate;

constexpr std::int64_t micro = 1'000'000;
constexpr std::size_t near_names_max = 8;
constexpr std::array<const char*, 7> weekdays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

std::int64_t now_s() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

/// "$0.075" of micro-dollars.
std::string dollars(std::int64_t microusd) {
  std::string text = joined({"$", microusd / micro});
  std::string fraction = std::to_string(micro + microusd % micro).substr(1);
  while (!fraction.empty() && fraction.back() == '0')
    fraction.pop_back();
  if (fraction.size() == 1) fraction += "0";  // $0.50
  return fraction.empty() ? text : text + "." + fraction;
}

std::string dialects_of(const ModelCard& card) {
  std::string names;
  for (const std::string& dialect : card.dialects)
    names += (names.empty() ? "" : ", ") + dialect;
  return names;
}

std::string in_days(std::int64_t day, std::int64_t today) {
  const std::int64_t left = day - today;
  if (left <= 0) return joined({"shut off since ", date_text(day)});
  return joined({"shut off on ", date_text(day), ", in ", left, left == 1 ? " day" : " days"});
}

/// What is peculiar about a card, for its line of the list.
std::string remarks(const ModelCard& card, std::int64_t at_s) {
  std::vector<std::string> list;
  if (card.operators_own) list.emplace_back("yours");
  if (card.shut_off_day) list.push_back(in_days(*card.shut_off_day, at_s / seconds_per_day));
  for (const Rate& rate : card.tariff.rates) {
    if (rate.above_tokens >= 0)
      list.push_back(joined({"other prices above ", grouped(rate.above_tokens), " tokens"}));
    if (rate.hours) list.emplace_back("other prices by the hour");
    for (const std::int64_t moment : {rate.from_s, rate.until_s}) {
      const bool ahead = moment > at_s && moment < std::numeric_limits<std::int64_t>::max();
      if (ahead)
        list.push_back(joined({"other prices from ", date_text(moment / seconds_per_day)}));
    }
  }
  std::string text;
  for (const std::string& remark : list)
    text += (text.empty() ? "" : "; ") + remark;
  return text;
}

/// "UTC 01:00-04:00 Mon Tue".
std::string hours_of(const llm::WeekHours& hours) {
  std::string text = "UTC";
  for (const auto& span : hours.spans) {
    std::array<char, 64> clock{};
    std::snprintf(clock.data(), clock.size(), " %02d:%02d-%02d:%02d", span.from_minute / 60,
                  span.from_minute % 60, span.until_minute / 60, span.until_minute % 60);
    text += clock.data();
  }
  for (std::size_t day = 0; day < weekdays.size(); ++day)
    if ((hours.days >> day & 1) != 0) text += std::string(" ") + weekdays[day];
  return text;
}

std::string condition(const Rate& rate) {
  std::string text;
  const auto add = [&text](std::string_view words) {
    text += (text.empty() ? "" : ", ") + std::string(words);
  };
  if (rate.from_s > std::numeric_limits<std::int64_t>::min())
    add(joined({"from ", date_text(rate.from_s / seconds_per_day)}));
  if (rate.until_s < std::numeric_limits<std::int64_t>::max())
    add(joined({"before ", date_text(rate.until_s / seconds_per_day)}));
  if (rate.above_tokens >= 0)
    add(joined({"prompts above ", grouped(rate.above_tokens), " tokens"}));
  if (rate.hours) add(hours_of(*rate.hours));
  return text.empty() ? "else" : text;
}

using PriceMember = std::pair<const char*, std::optional<std::int64_t>>;

std::vector<PriceMember> members_of(const Price& price) {
  return {{"input", price.input},
          {"cached_read", price.cached_read},
          {"cache_write", price.cache_write},
          {"cache_write_long", price.cache_write_long},
          {"output", price.output},
          {"reasoning", price.reasoning},
          {"audio_input", price.audio_input},
          {"audio_cached_read", price.audio_cached_read},
          {"audio_output", price.audio_output}};
}

void print_line(const ModelCard& card, std::int64_t at_s) {
  const Price price = llm::price_at(card.tariff, at_s, 0);
  const std::string cached = price.cached_read ? dollars(*price.cached_read) : "";
  const std::string line = remarks(card, at_s);
  std::printf("  %-30s %9s %9s %9s %11s %11s  %-15s%s%s\n", card.model.c_str(),
              dollars(price.input).c_str(), cached.c_str(), dollars(price.output).c_str(),
              grouped(card.context_tokens).c_str(), grouped(card.output_tokens_max).c_str(),
              std::string(llm::thinking_name(card.thinking)).c_str(), line.empty() ? "" : "  ",
              line.c_str());
}

bool same_group(const ModelCard& a, const ModelCard& b) {
  return a.dialects.front() == b.dialects.front() ||
         (a.dialects.front() == "openai-responses" && b.dialects.front() == "openai") ||
         (a.dialects.front() == "openai" && b.dialects.front() == "openai-responses");
}

/// Does a card of the operator's go before it, by every name of it?
bool is_hidden(const ModelTable& table, const ModelCard& card) {
  return std::all_of(card.dialects.begin(), card.dialects.end(),
                     [&](const auto& dialect) { return table.find(dialect, card.model) != &card; });
}

bool is_of(const ModelCard& card, const std::string& dialect) {
  return std::find(card.dialects.begin(), card.dialects.end(), dialect) != card.dialects.end();
}

/// Of one dialect, or all where it is "".
void print_list(const ModelTable& table, std::int64_t at_s, const std::string& dialect) {
  std::printf("Dollars for a million tokens on %s.\n", date_text(at_s / seconds_per_day).c_str());
  const ModelCard* last = nullptr;
  for (const ModelCard& card : table.cards()) {
    if (is_hidden(table, card) || (!dialect.empty() && !is_of(card, dialect))) continue;
    if (last == nullptr || !same_group(*last, card) || last->operators_own != card.operators_own) {
      std::printf("\n%s\n  %-30s %9s %9s %9s %11s %11s  %s\n", card.dialects.front().c_str(),
                  "model", "input", "cached", "output", "context", "output max", "thinking");
    }
    last = &card;
    print_line(card, at_s);
  }
  const auto& embeddings = table.embeddings();
  const auto listed = [&](const llm::EmbeddingCard& card) {
    return dialect.empty() || card.dialect == dialect;
  };
  if (std::none_of(embeddings.begin(), embeddings.end(), listed)) return;
  std::printf("\nembeddings\n  %-42s %9s %11s %11s\n", "model", "input", "input max", "dimensions");
  for (const llm::EmbeddingCard& card : embeddings) {
    if (!listed(card)) continue;
    std::printf("  %-42s %9s %11s %11s%s\n", (card.dialect + "/" + card.model).c_str(),
                dollars(card.input_price).c_str(), grouped(card.input_tokens_max).c_str(),
                grouped(card.dimensions).c_str(),
                card.shut_off_day
                    ? ("  " + in_days(*card.shut_off_day, at_s / seconds_per_day)).c_str()
                    : "");
  }
}

void print_words(const char* what, const std::vector<std::string>& words) {
  if (words.empty()) return;
  std::printf("  %-12s", what);
  for (const std::string& word : words)
    std::printf(" %s", word.c_str());
  std::printf("\n");
}

std::vector<std::string> abilities_of(const ModelCard& card) {
  std::vector<std::string> words;
  if (card.tools) words.emplace_back("tools");
  if (card.vision) words.emplace_back("vision");
  if (card.audio) words.emplace_back("audio");
  if (card.documents) words.emplace_back("documents");
  if (card.json_schema) words.emplace_back("json_schema");
  return words;
}

void print_card(const ModelTable& table, const ModelCard& card, std::int64_t at_s) {
  std::printf("%s (%s)%s\n", card.model.c_str(), dialects_of(card).c_str(),
              card.operators_own       ? ", your own card"
              : is_hidden(table, card) ? ", which a card of yours goes before"
                                       : "");
  print_words("also called", card.aliases);
  std::printf("  %-12s %s tokens of prompt, %s of output\n", "takes",
              grouped(card.context_tokens).c_str(), grouped(card.output_tokens_max).c_str());
  if (card.image_tokens_max > 0)
    std::printf("  %-12s up to %s tokens an image\n", "", grouped(card.image_tokens_max).c_str());
  print_words("can", abilities_of(card));
  std::vector<std::string> thinking{std::string(llm::thinking_name(card.thinking))};
  for (const std::string& effort : card.efforts)
    thinking.push_back(effort == card.effort_default ? effort + " (default)" : effort);
  print_words("thinking", thinking);
  print_words("temperature", {std::string(llm::temperature_name(card.temperature))});
  for (const Rate& rate : card.tariff.rates) {
    std::printf("  %-12s %s:", "price", condition(rate).c_str());
    for (const auto& [name, price] : members_of(rate.price))
      if (price) std::printf(" %s %s", name, dollars(*price).c_str());
    std::printf("\n");
  }
  if (card.tariff.fees.web_search > 0)
    std::printf("  %-12s %s a web search\n", "fee", dollars(card.tariff.fees.web_search).c_str());
  if (card.tariff.fees.file_search > 0)
    std::printf("  %-12s %s a file search\n", "fee", dollars(card.tariff.fees.file_search).c_str());
  if (card.shut_off_day) print_words("end", {in_days(*card.shut_off_day, at_s / seconds_per_day)});
  if (!card.successor.empty()) print_words("successor", {card.successor});
  if (!card.note.empty()) print_words("note", {card.note});
  if (!card.source.empty()) print_words("source", {card.source, card.as_of});
}

Json json_of(const Price& price) {
  Json json = Json::object();
  for (const auto& [name, value] : members_of(price))
    if (value) json[name] = *value;
  return json;
}

Json json_of(const Rate& rate) {
  Json json = json_of(rate.price);
  if (rate.from_s > std::numeric_limits<std::int64_t>::min())
    json["from"] = date_text(rate.from_s / seconds_per_day);
  if (rate.until_s < std::numeric_limits<std::int64_t>::max())
    json["until"] = date_text(rate.until_s / seconds_per_day);
  if (rate.above_tokens >= 0) json["above_tokens"] = rate.above_tokens;
  if (rate.hours) json["hours"] = hours_of(*rate.hours);
  return json;
}

Json json_of(const ModelTable& table, const ModelCard& card, std::int64_t at_s) {
  Json json{{"dialects", card.dialects},
            {"model", card.model},
            {"aliases", card.aliases},
            {"context_tokens", card.context_tokens},
            {"output_tokens_max", card.output_tokens_max},
            {"takes", abilities_of(card)},
            {"thinking", llm::thinking_name(card.thinking)},
            {"efforts", card.efforts},
            {"temperature", llm::temperature_name(card.temperature)},
            {"price", json_of(llm::price_at(card.tariff, at_s, 0))},
            {"rates", Json::array()},
            {"fees",
             {{"web_search", card.tariff.fees.web_search},
              {"file_search", card.tariff.fees.file_search}}},
            {"source", card.source},
            {"as_of", card.as_of},
            {"yours", card.operators_own},
            {"overridden", is_hidden(table, card)}};
  for (const Rate& rate : card.tariff.rates)
    json["rates"].push_back(json_of(rate));
  if (card.image_tokens_max > 0) json["image_tokens_max"] = card.image_tokens_max;
  if (!card.effort_default.empty()) json["effort_default"] = card.effort_default;
  if (card.shut_off_day) json["shut_off"] = date_text(*card.shut_off_day);
  if (!card.successor.empty()) json["successor"] = card.successor;
  if (!card.note.empty()) json["note"] = card.note;
  return json;
}

void print_card(const llm::EmbeddingCard& card, std::int64_t at_s) {
  std::printf("%s (%s), makes embeddings\n", card.model.c_str(), card.dialect.c_str());
  print_words("also called", card.aliases);
  std::printf("  %-12s %s tokens an input\n", "takes", grouped(card.input_tokens_max).c_str());
  if (card.dimensions > 0)
    std::printf("  %-12s %s numbers, where fewer are not asked for\n", "gives",
                grouped(card.dimensions).c_str());
  std::printf("  %-12s input %s\n", "price", dollars(card.input_price).c_str());
  if (card.shut_off_day) print_words("end", {in_days(*card.shut_off_day, at_s / seconds_per_day)});
  if (!card.note.empty()) print_words("note", {card.note});
  if (!card.source.empty()) print_words("source", {card.source, card.as_of});
}

Json json_of(const llm::EmbeddingCard& card) {
  Json json{{"dialects", {card.dialect}},
            {"model", card.model},
            {"aliases", card.aliases},
            {"embeds", true},
            {"input_tokens_max", card.input_tokens_max},
            {"dimensions", card.dimensions},
            {"price", {{"input", card.input_price}}},
            {"source", card.source},
            {"as_of", card.as_of}};
  if (card.shut_off_day) json["shut_off"] = date_text(*card.shut_off_day);
  if (!card.note.empty()) json["note"] = card.note;
  return json;
}

bool is_named(const llm::EmbeddingCard& card, const std::string& name) {
  const std::string begin = card.dialect + "/";
  return card.is_called(card.dialect, name) ||
         (name.rfind(begin, 0) == 0 && card.is_called(card.dialect, name.substr(begin.size())));
}

bool is_named(const ModelCard& card, const std::string& name) {
  return std::any_of(card.dialects.begin(), card.dialects.end(), [&](const auto& dialect) {
    if (card.is_called(dialect, name)) return true;
    const std::string begin = dialect + "/";
    return name.rfind(begin, 0) == 0 && card.is_called(dialect, name.substr(begin.size()));
  });
}

bool is_dialect(const ModelTable& table, const std::string& name) {
  return std::any_of(table.cards().begin(), table.cards().end(),
                     [&](const ModelCard& card) { return is_of(card, name); }) ||
         std::any_of(table.embeddings().begin(), table.embeddings().end(),
                     [&](const llm::EmbeddingCard& card) { return card.dialect == name; });
}

Error no_such_model(const ModelTable& table, const std::string& name) {
  const std::string bare = name.substr(name.rfind('/') + 1);
  std::string near;
  std::size_t count = 0;
  std::vector<std::string_view> names;
  for (const ModelCard& card : table.cards()) {
    names.push_back(card.model);
    names.insert(names.end(), card.aliases.begin(), card.aliases.end());
    names.insert(names.end(), card.dialects.begin(), card.dialects.end());
  }
  for (const llm::EmbeddingCard& card : table.embeddings()) {
    names.push_back(card.model);
    names.insert(names.end(), card.aliases.begin(), card.aliases.end());
  }
  const std::string meant = did_you_mean(bare, names);
  for (const ModelCard& card : table.cards()) {
    const bool like =
        card.model.find(bare) != std::string::npos || bare.find(card.model) != std::string::npos;
    if (!like || ++count > near_names_max) continue;
    near += (near.empty() ? "" : ", ") + card.model;
  }
  return make_error("unknown_model",
                    {"no model that is known is called ", name, meant,
                     near.empty()    ? ""
                     : meant.empty() ? "; there are "
                                     : " There are ",
                     near},
                    {}, {}, {name});
}

Result<ModelTable> load_table(const ModelsOptions& options) {
  auto table = ModelTable::read(llm::default_models_json());
  if (!table) return table;
  std::string file = options.cards_file;
  if (file.empty() && !options.config_file.empty()) {
    (void)auth::take_variable("REDOUBT_MASTER_KEY");  // it is not needed, and not to be copied
    auto config = load_relay_config(options.config_file, {});
    if (!config) return config.error();
    file = config->models.cards_file;
  }
  if (file.empty()) return table;
  auto text = read_input(file, config::file_bytes_max);
  if (!text) return text.error();
  auto own = table->with(*text);
  if (own) return own;
  Error error = own.error();
  error.message = file + ": " + error.message;
  return error;
}

Result<std::int64_t> moment_of(const std::string& date) {
  if (date.empty()) return now_s();
  if (const auto day = parse_date(date)) return *day * seconds_per_day;
  return make_error("bad_use", {"--date: expected a date such as 2026-12-31, got ", date}, {},
                    {"a date such as 2026-12-31"}, {date});
}

}  // namespace

int models(const ModelsOptions& options) {
  const auto at_s = moment_of(options.date);
  if (!at_s) return report(at_s.error(), options.json);
  const auto table = load_table(options);
  if (!table) return report(table.error(), options.json);
  std::vector<const ModelCard*> cards;
  for (const ModelCard& card : table->cards())
    if (options.name.empty() || is_named(card, options.name) || is_of(card, options.name))
      cards.push_back(&card);
  std::vector<const llm::EmbeddingCard*> embeddings;
  for (const llm::EmbeddingCard& card : table->embeddings())
    if (options.name.empty() || is_named(card, options.name) || card.dialect == options.name)
      embeddings.push_back(&card);
  if (cards.empty() && embeddings.empty())
    return report(no_such_model(*table, options.name), options.json);
  if (options.json) {
    Json list = Json::array();
    for (const ModelCard* card : cards)
      list.push_back(json_of(*table, *card, *at_s));
    for (const llm::EmbeddingCard* card : embeddings)
      list.push_back(json_of(*card));
    std::printf("%s\n", list.dump(2).c_str());
  } else if (options.name.empty() || is_dialect(*table, options.name)) {
    print_list(*table, *at_s, options.name);
  } else {
    for (const ModelCard* card : cards)
      print_card(*table, *card, *at_s);
    for (const llm::EmbeddingCard* card : embeddings)
      print_card(*card, *at_s);
  }
  return exit_ok;
}

}  // namespace redoubt::cli
