#include "engine/territory/view_bytes.hpp"

#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

View seen_after(const Board& board, std::int32_t ticks) {
  World w = start(board, 3, default_lots);
  Rng rng(3);
  View view;
  while (w.tick < ticks) {
    REQUIRE(step(board, w, random_orders(board, w, rng, 2)).ok());
    if (w.tick % 10 == 0) observe(board, w, 1, view);
  }
  return view;
}

std::string bytes_of(const View& view) {
  ByteWriter out;
  write_view(out, view);
  return out.take();
}

}  // namespace

TEST_CASE("a view written and read is the same view") {
  const Board board = generated(2, 8);
  const View view = seen_after(board, 800);
  const std::string bytes = bytes_of(view);
  ByteReader in(bytes);
  const Result<View> read = read_view(in, board, 1);
  REQUIRE(read.ok());
  CHECK(in.remaining() == 0);
  CHECK(bytes_of(*read) == bytes);
  CHECK(read->own.size() == view.own.size());
  CHECK(read->explored == view.explored);
  CHECK(read->control == view.control);
}

TEST_CASE("a team that has not looked yet has an empty view") {
  const Board board = generated(2, 8);
  const std::string bytes = bytes_of(View{});
  ByteReader in(bytes);
  CHECK(read_view(in, board, 0).ok());
}

TEST_CASE("damaged views are refused: cut anywhere, of another team, off the map") {
  const Board board = generated(2, 8);
  View view = seen_after(board, 200);
  const std::string bytes = bytes_of(view);
  for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 8) {
    ByteReader in(std::string_view(bytes).substr(0, length));
    const Result<View> read = read_view(in, board, 1);
    REQUIRE(!read.ok());
    CHECK(read.error().code == "bad_snapshot");
  }
  ByteReader other(bytes);
  CHECK(!read_view(other, board, 0).ok());
  view.own.front().cell = static_cast<Cell>(board.cells());
  const std::string off_map = bytes_of(view);
  ByteReader in(off_map);
  CHECK(!read_view(in, board, 1).ok());
}
