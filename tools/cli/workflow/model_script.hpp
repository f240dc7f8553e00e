// ModelScript: a file that answers model effects, for tests, demonstrations and work without a key.
//
//   [{"match": "Name 3 things", "text": "a, b, c"},
//    {"match": "judge", "json": {"good": true}, "delay_ms": 50},
//    {"match": "answer/desk[0]", "tool_calls": [{"id": "1", "name": "look_up", "arguments": {}}]},
//    {"error": {"code": "overloaded", "message": "try later"}}]
//
// An entry fits where `match` is part of the effect's id or of the request's canonical JSON; one
// without `match` fits always. The first that fits answers, the same one every time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/run.hpp"

namespace redoubt::cli {

constexpr std::size_t script_entries_max = 1000;
constexpr std::int64_t script_delay_ms_max = 3'600'000;

struct Scripted {
  bool failed = false;
  std::string value;  ///< JSON, as an Input takes it
  std::int64_t delay_ms = 0;
};

class ModelScript {
 public:
  /// Errors: "bad_json", "bad_script" with the entry's path.
  static Result<ModelScript> read(std::string_view text);
  /// Nothing where no entry fits.
  std::optional<Scripted> answer(const workflow::Effect& effect) const;

 private:
  struct Entry {
    std::string match;
    Scripted scripted;
  };
  std::vector<Entry> entries_;
};

}  // namespace redoubt::cli
