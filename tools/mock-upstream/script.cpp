#include "tools/mock-upstream/script.hpp"

#include <openssl/evp.h>

#include <limits>

#include "engine/base/json.hpp"

namespace redoubt::mock {

namespace {

constexpr std::size_t script_bytes_max = 64 << 20;
constexpr std::int64_t wait_ms_max = 3'600'000;
constexpr std::int64_t repeat_max = 100'000'000;

Error fault(const std::string& path, std::string expected) {
  return {.code = "bad_script",
          .message = path + ": expected " + expected,
          .path = path,
          .expected = std::move(expected)};
}

std::string decoded_base64(const std::string& text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  std::size_t padding = 0;
  while (padding < 2 && text.size() > padding && text[text.size() - 1 - padding] == '=')
    ++padding;
  out.resize(size < 0 ? 0 : static_cast<std::size_t>(size) - padding);
  return out;
}

Result<Answer> read_answer(const Json& json, const std::string& path) {
  JsonFields fields(json, "bad_script", path);
  Answer answer;
  answer.text = fields.text_or("text", script_bytes_max, answer.text);
  answer.input_tokens = fields.integer_or("input_tokens", -1, 1'000'000'000, -1);
  answer.output_tokens = fields.integer_or("output_tokens", -1, 1'000'000'000, -1);
  answer.piece_bytes =
      static_cast<std::size_t>(fields.integer_or("piece_bytes", 1, 1'000'000'000, 8));
  answer.first_ms = fields.integer_or("first_ms", 0, wait_ms_max, 0);
  answer.every_ms = fields.integer_or("every_ms", 0, wait_ms_max, 0);
  answer.checks = fields.text_or("checks", 64, "");
  if (const Json* calls = fields.member_or_null("tool_calls")) {
    if (!calls->is_array()) return fault(path + ".tool_calls", "a list");
    for (const Json& call : *calls) {
      JsonFields members(call, "bad_script", path + ".tool_calls");
      const std::string name = members.text("name", 256);
      const std::string arguments = members.text("arguments", script_bytes_max);
      if (!members.ok()) return members.error();
      answer.tool_calls.push_back({name, arguments});
    }
  }
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  return answer;
}

Result<Step> read_step(const Json& json, const std::string& path) {
  if (!json.is_object()) return fault(path, "a step");
  JsonFields fields(json, "bad_script", path);
  Step step;
  if (json.contains("answer")) {
    step.kind = Step::Kind::answer;
    auto answer = read_answer(*fields.member("answer"), path + ".answer");
    if (!answer) return answer.error();
    step.answer = std::move(*answer);
  } else if (json.contains("head")) {
    step.kind = Step::Kind::head;
    step.status = static_cast<int>(fields.integer("head", 100, 999));
    if (const Json* end = fields.member_or_null("to_the_end")) step.to_the_end = *end == true;
    if (const Json* headers = fields.member_or_null("headers")) {
      if (!headers->is_object()) return fault(path + ".headers", "an object");
      for (const auto& [name, value] : headers->items()) {
        if (!value.is_string()) return fault(path + ".headers." + name, "a text");
        step.headers.emplace_back(name, value.get<std::string>());
      }
    }
  } else if (json.contains("send") || json.contains("send_base64")) {
    step.kind = Step::Kind::send;
    step.bytes = json.contains("send")
                     ? fields.text("send", script_bytes_max)
                     : decoded_base64(fields.text("send_base64", script_bytes_max));
    step.repeat = fields.integer_or("repeat", 1, repeat_max, 1);
    step.wait_ms = fields.integer_or("every_ms", 0, wait_ms_max, 0);
  } else if (json.contains("wait_ms")) {
    step.kind = Step::Kind::wait;
    step.wait_ms = fields.integer("wait_ms", 0, wait_ms_max);
  } else if (fields.member_or_null("hold")) {
    step.kind = Step::Kind::hold;
  } else if (fields.member_or_null("cut")) {
    step.kind = Step::Kind::cut;
  } else if (fields.member_or_null("reset")) {
    step.kind = Step::Kind::reset;
  } else {
    return fault(path, "one of wait_ms, head, send, send_base64, answer, hold, cut, reset");
  }
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  return step;
}

Result<void> read_when(const Json& json, const std::string& path, Rule& rule) {
  JsonFields fields(json, "bad_script", path);
  rule.path = fields.text_or("path", 4096, "");
  rule.model = fields.text_or("model", 4096, "");
  rule.authorization = fields.text_or("authorization", 4096, "");
  if (const Json* calls = fields.member_or_null("calls")) {
    const bool pair = calls->is_array() && calls->size() == 2 && (*calls)[0].is_number_integer() &&
                      (*calls)[1].is_number_integer();
    if (!pair) return fault(path + ".calls", "two whole numbers, from and to");
    rule.from = (*calls)[0].get<std::int64_t>();
    rule.to = (*calls)[1].get<std::int64_t>();
  }
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  return {};
}

}  // namespace

Result<Script> read_script(std::string_view text) {
  auto json = parse_json(text, {.bytes_max = script_bytes_max});
  if (!json) return json.error();
  if (!json->is_object() || !json->contains("rules") || !(*json)["rules"].is_array()) {
    return fault("rules", "a list");
  }
  Script script;
  for (const Json& entry : (*json)["rules"]) {
    const std::string path = "rules[" + std::to_string(script.rules.size()) + "]";
    if (!entry.is_object() || !entry.contains("do") || !entry["do"].is_array())
      return fault(path + ".do", "a list");
    Rule rule;
    if (entry.contains("when")) {
      if (auto read = read_when(entry["when"], path + ".when", rule); !read) return read.error();
    }
    for (const Json& step_json : entry["do"]) {
      auto step = read_step(step_json, path + ".do[" + std::to_string(rule.steps.size()) + "]");
      if (!step) return step.error();
      rule.steps.push_back(std::move(*step));
    }
    script.rules.push_back(std::move(rule));
  }
  return script;
}

std::vector<Step> steps_for(Script& script, const Asked& asked) {
  const auto fits = [](const std::string& wanted, const std::string& got) {
    return wanted.empty() || wanted == got;
  };
  for (Rule& rule : script.rules) {
    if (!fits(rule.path, asked.path) || !fits(rule.model, asked.model) ||
        !fits(rule.authorization, asked.authorization))
      continue;
    ++rule.seen;
    if (rule.seen >= rule.from && rule.seen <= rule.to) return rule.steps;
  }
  Step plain;
  plain.kind = Step::Kind::answer;
  return {plain};
}

}  // namespace redoubt::mock
