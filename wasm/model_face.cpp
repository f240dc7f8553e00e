// The face of the models' wire formats to JavaScript: a page with a player's own key encodes here
// what its fetch sends, and decodes what comes back. src/model_core.ts declares it as `ModelFace`.
//
// 1. No key comes in: encode() says where the key belongs, and the page puts it there.
// 2. A decoder is a handle; bytes go in as they come, events come out as JSON.
#include <emscripten/bind.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/models.hpp"
#include "engine/llm/tariff.hpp"
#include "wasm/guard.hpp"

namespace redoubt::wasm {
namespace {

constexpr std::size_t decoders_max = 64;

constexpr std::pair<const char*, std::int64_t llm::Usage::*> usage_members[] = {
    {"input", &llm::Usage::input},
    {"cachedRead", &llm::Usage::cached_read},
    {"cacheWrite", &llm::Usage::cache_write},
    {"cacheWriteLong", &llm::Usage::cache_write_long},
    {"output", &llm::Usage::output},
    {"reasoning", &llm::Usage::reasoning},
    {"audioInput", &llm::Usage::audio_input},
    {"audioOutput", &llm::Usage::audio_output},
    {"webSearches", &llm::Usage::web_searches},
    {"fileSearches", &llm::Usage::file_searches},
};

std::map<int, std::unique_ptr<llm::Decoder>>& decoders() {
  static std::map<int, std::unique_ptr<llm::Decoder>> open;
  return open;
}

const llm::ModelTable& models() {
  static const llm::ModelTable table = [] {
    auto read = llm::ModelTable::read(llm::default_models_json());
    return read ? std::move(*read) : llm::ModelTable();
  }();
  return table;
}

const llm::Dialect& dialect_of(const std::string& provider) {
  if (const llm::Dialect* dialect = llm::find_dialect(provider)) return *dialect;
  std::string names;
  for (const llm::Dialect& known : llm::dialects())
    names += joined({names.empty() ? "" : ", ", known.name});
  throw Fault{{.code = "bad_argument",
               .message = "no provider is called " + provider,
               .path = "provider",
               .expected = names,
               .got = provider}};
}

/// Raised when this face changes, so that a stale .wasm beside new JavaScript is found.
constexpr int model_face_version = 3;

std::string versions() {
  return joined({"{\"modelFace\":", model_face_version, "}"});
}

/// [{name, baseUrl, keyed, models}]
std::string providers() {
  return guarded([&] {
    Json list = Json::array();
    for (const llm::Dialect& dialect : llm::dialects()) {
      Json names = Json::array();
      for (const llm::ModelCard& card : models().cards())
        if (card.is_called(dialect.name, card.model)) names.push_back(card.model);
      list.push_back({{"name", dialect.name},
                      {"baseUrl", dialect.base_url},
                      {"keyed", dialect.auth != llm::AuthKind::none},
                      {"models", std::move(names)}});
    }
    return canonical(list);
  });
}

/// `body` is a request of OpenAI's chat completions; what comes out is the provider's own:
/// {url, headers, keyHeader, keyPrefix, body, toolNames}; toolNames: {what the answer calls a tool:
/// what the request did}, of tools whose names the provider does not take.
std::string encode(const std::string& provider, const std::string& base_url,
                   const std::string& body) {
  return guarded([&] {
    const llm::Dialect& dialect = dialect_of(provider);
    const llm::ChatRequest request =
        unwrap(llm::decode_client_request(llm::WireFormat::openai_chat, body));
    llm::Target target{&dialect, base_url, request.model};
    if (const llm::ModelCard* card = models().find(dialect.name, request.model)) {
      target.reasoning = card->reasoning();
      target.takes_sampling = card->takes_sampling(request.reasoning);
      target.efforts = card->efforts;
    }
    const llm::WireRequest wire = unwrap(llm::encode_request(request, target));
    Json headers = Json::object();
    for (const llm::Header& header : wire.headers)
      headers[header.name] = header.value;
    Json tool_names = Json::object();
    for (const llm::ToolAlias& name : wire.tool_names)
      tool_names[name.sent] = name.asked;
    return canonical(Json{{"url", wire.url},
                          {"headers", std::move(headers)},
                          {"keyHeader", llm::auth_header(wire.auth)},
                          {"keyPrefix", llm::auth_prefix(wire.auth)},
                          {"body", wire.body},
                          {"toolNames", std::move(tool_names)}});
  });
}

int decode(const std::string& provider) {
  return guarded([&] {
    if (decoders().size() >= decoders_max)
      throw Fault{{.code = "out_of_memory",
                   .message = "too many models are being listened to",
                   .expected = joined({"at most ", decoders_max})}};
    static int next = 1;
    decoders()[next] = std::make_unique<llm::Decoder>(dialect_of(provider));
    return next++;
  });
}

llm::Decoder& decoder_of(int handle) {
  const auto found = decoders().find(handle);
  if (found == decoders().end())
    throw Fault{{.code = "disposed", .message = "no decoder has this handle"}};
  return *found->second;
}

/// `headers`: {name: value}; `now`: ms since 1970.
void decode_head(int handle, int status, const std::string& headers, double now) {
  guarded([&] {
    std::vector<llm::Header> list;
    const Json json = unwrap(parse_json(headers));
    for (auto item = json.begin(); item != json.end(); ++item)
      if (item->is_string()) list.push_back({item.key(), *item->get_ptr<const std::string*>()});
    decoder_of(handle).head(status, std::move(list), static_cast<std::int64_t>(now));
  });
}

Json json_of(const llm::ChatFailure& failure) {
  Json json = {{"code", llm::failure_name(failure.failure_class)},
               {"message", failure.message},
               {"status", failure.status}};
  if (failure.retry_after_ms) json["retryAfterMs"] = *failure.retry_after_ms;
  return json;
}

// Beside what a page shows, all that cost() needs to know again.
Json json_of(const llm::Usage& usage) {
  Json json = {{"kind", "usage"}};
  for (const auto& [name, member] : usage_members)
    json[name] = usage.*member;
  if (usage.reported_picodollars) json["toldPicodollars"] = *usage.reported_picodollars;
  return json;
}

llm::Usage usage_of(const Json& json) {
  llm::Usage usage;
  for (const auto& [name, member] : usage_members)
    usage.*member = llm::integer_in(json, name, 0);
  if (const Json* told = llm::member_of(json, "toldPicodollars"))
    usage.reported_picodollars = llm::integer_of(told, 0);
  return usage;
}

// What a page can use of the events: texts, usage and how it ends.
std::string shown(const llm::ChatEvents& events) {
  Json list = Json::array();
  for (const llm::ChatEvent& event : events) {
    switch (event.kind) {
      case llm::EventKind::started:
        list.push_back({{"kind", "started"}, {"model", event.model}});
        break;
      case llm::EventKind::text:
      case llm::EventKind::refusal:
        list.push_back({{"kind", "text"}, {"text", event.text}});
        break;
      case llm::EventKind::tool_begun:
        list.push_back({{"kind", "toolBegun"}, {"id", event.id}, {"name", event.name}});
        break;
      case llm::EventKind::tool_arguments:
        list.push_back({{"kind", "toolArguments"}, {"index", event.index}, {"text", event.text}});
        break;
      case llm::EventKind::usage:
        list.push_back(json_of(event.usage));
        break;
      case llm::EventKind::finished:
        list.push_back({{"kind", "finished"}, {"reason", llm::finish_name(event.reason)}});
        break;
      case llm::EventKind::failed:
        list.push_back({{"kind", "failed"},
                        {"failure", event.failure ? json_of(*event.failure) : Json::object()}});
        break;
      default:
        break;
    }
  }
  return canonical(list);
}

std::string feed(int handle, const std::string& bytes) {
  return guarded([&] {
    llm::ChatEvents events;
    decoder_of(handle).feed(bytes, events);
    return shown(events);
  });
}

/// The connection's end. The handle is gone afterwards.
std::string decode_end(int handle) {
  return guarded([&] {
    llm::ChatEvents events;
    llm::Decoder& decoder = decoder_of(handle);
    if (!decoder.over()) decoder.end(events);
    decoders().erase(handle);
    return shown(events);
  });
}

void drop_decoder(int handle) {
  decoders().erase(handle);
}

/// What a call cost in picodollars, as a decimal text; "" where no price is known. `usage` is a
/// usage event; `begun` and `ended`: ms since 1970.
std::string cost(const std::string& provider, const std::string& model, const std::string& usage,
                 double begun, double ended) {
  return guarded([&]() -> std::string {
    const llm::Usage used = usage_of(unwrap(parse_json(usage)));
    if (dialect_of(provider).tells_cost && used.reported_picodollars)
      return std::to_string(*used.reported_picodollars);
    const llm::ModelCard* card = models().find(provider, model);
    if (!card) return {};
    const llm::CallTime when{static_cast<std::int64_t>(begun / 1'000),
                             static_cast<std::int64_t>(ended / 1'000)};
    return std::to_string(llm::cost_picodollars(used, card->tariff, when));
  });
}

EMSCRIPTEN_BINDINGS(redoubt_models) {
  using emscripten::function;
  function("versions", &versions);
  function("providers", &providers);
  function("encode", &encode);
  function("decode", &decode);
  function("decodeHead", &decode_head);
  function("feed", &feed);
  function("decodeEnd", &decode_end);
  function("dropDecoder", &drop_decoder);
  function("cost", &cost);
}

}  // namespace
}  // namespace redoubt::wasm
