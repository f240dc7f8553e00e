// Histories that earlier builds wrote, and that every later one must replay to the same result. A
// file is written once, by REDOUBT_KEEP (script_test.cpp), and never changed: where one of them
// cannot be replayed any more, it is the engine that has to be mended, because somebody's run is
// like it.
//
// A file holds runs one after the other: name, definition (canonical JSON), history, status and the
// chain's last link as texts, the result's hash as u64.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/json.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

constexpr std::size_t kTextBytesMax = 1 << 20;

const LoadContext& load_context() {
  static const LoadContext all{
      {"strategist.team_strategy", "math.double", "guard.words", "memory.search", "memory.store"},
      {{"greet", {}}}};
  return all;
}

void replay_one(ByteReader& in) {
  const std::string_view name = in.text(kTextBytesMax);
  const std::string_view bytes = in.text(kTextBytesMax);
  const std::string_view history = in.text(kTextBytesMax);
  const std::string_view status = in.text(kTextBytesMax);
  const std::string_view link = in.text(kTextBytesMax);
  const std::uint64_t result_hash = in.u64();
  REQUIRE_FALSE(in.failed());
  CAPTURE(name);
  CAPTURE(bytes);
  const auto file = read_json_document(bytes);
  REQUIRE(file);
  const Loaded loaded = load(*file, load_context());
  REQUIRE(loaded.ok());
  CHECK(loaded.definition->bytes == bytes);
  auto run = Run::replay(loaded.definition, history);
  REQUIRE_MESSAGE(run, run.error().message);
  CHECK(name_of(run->status()) == status);
  CHECK(hex64(run->head().link) == link);
  CHECK(run->result_hash() == result_hash);
  CHECK(run->take().count == 0);
}

}  // namespace

TEST_SUITE("workflow/kept histories") {
  TEST_CASE("every history that was ever kept replays to the same result") {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator("tests/data/histories"))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    REQUIRE_FALSE(files.empty());
    for (const auto& path : files) {
      CAPTURE(path.string());
      std::stringstream bytes;
      bytes << std::ifstream(path, std::ios::binary).rdbuf();
      const std::string all = bytes.str();
      ByteReader in(all);
      std::size_t runs = 0;
      for (; in.remaining() > 0; ++runs)
        replay_one(in);
      CHECK(runs >= 20);
    }
  }
}
