#include "relay/http/content_coding.hpp"

#include <doctest/doctest.h>
#include <zlib.h>
#include <zstd.h>

using namespace redoubt;
using http::Coding;

namespace {

std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(compressBound(static_cast<uLong>(text.size())) + 64, '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string packed(Coding coding, std::string_view text) {
  if (coding == Coding::gzip) return deflated(text, 15 + 16);
  if (coding == Coding::deflate) return deflated(text, 15);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const std::size_t bytes = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  REQUIRE(!ZSTD_isError(bytes));
  out.resize(bytes);
  return out;
}

constexpr Coding codings[] = {Coding::gzip, Coding::deflate, Coding::zstd};

}  // namespace

TEST_SUITE("http/content_coding") {
  TEST_CASE("a coding is known by its name in any case, one at a time") {
    CHECK(http::read_coding("gzip") == Coding::gzip);
    CHECK(http::read_coding("X-GZIP") == Coding::gzip);
    CHECK(http::read_coding("Deflate") == Coding::deflate);
    CHECK(http::read_coding("zstd") == Coding::zstd);
    CHECK(http::read_coding("identity") == Coding::identity);
    for (const char* other : {"br", "", "gzip, gzip", "gzip,", "compress"})
      CHECK_FALSE(http::read_coding(other));
  }

  TEST_CASE("what was packed comes back") {
    std::string large;
    for (int i = 0; i < 100'000; ++i)
      large += "north " + std::to_string(i * 7919);
    for (const Coding coding : codings) {
      for (const std::string& text : {std::string(), std::string("x"), large}) {
        const auto plain = http::decode_content(coding, packed(coding, text), 1 << 20 << 2);
        REQUIRE_MESSAGE(plain.ok(), plain.error().message);
        CHECK(*plain == text);
      }
    }
  }

  TEST_CASE("the bound is of what comes out") {
    const std::string zeros(1'000'000, '0');
    for (const Coding coding : codings) {
      const std::string small = packed(coding, zeros);
      CHECK(small.size() < 5'000);
      CHECK(http::decode_content(coding, small, zeros.size()).ok());
      CHECK(http::decode_content(coding, small, zeros.size() - 1).error().code == "too_large");
      CHECK(http::decode_content(coding, small, 0).error().code == "too_large");
    }
  }

  TEST_CASE("what may come out goes by what came, in no more than so many times") {
    constexpr std::size_t bytes_max = 8u << 20;
    CHECK(http::unpacked_bytes_max(0, bytes_max) == 64 * 1024);
    CHECK(http::unpacked_bytes_max(1'024, bytes_max) == 64 * 1024);
    CHECK(http::unpacked_bytes_max(8'176, bytes_max) == 8'176 * 64);
    CHECK(http::unpacked_bytes_max(1u << 20, bytes_max) == bytes_max);
    CHECK(http::unpacked_bytes_max(std::size_t{1} << 62, bytes_max) == bytes_max);
    CHECK(http::unpacked_bytes_max(10, 1'000) == 1'000);
  }

  TEST_CASE("what is cut, damaged, followed by more or of another coding is refused") {
    for (const Coding coding : codings) {
      const std::string whole = packed(coding, std::string(3'000, 'a') + "end");
      for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        const auto cut =
            http::decode_content(coding, std::string_view(whole).substr(0, bytes), 4'000);
        REQUIRE_FALSE(cut.ok());
        CHECK(cut.error().code == "bad_coding");
      }
      CHECK(http::decode_content(coding, whole + "x", 4'000).error().code == "bad_coding");
      CHECK(http::decode_content(coding, whole + whole, 9'000).error().code == "bad_coding");
      for (const Coding other : codings) {
        if (other != coding)
          CHECK(http::decode_content(other, whole, 4'000).error().code == "bad_coding");
      }
    }
  }

  TEST_CASE("zstd has no window over its bound") {
    const std::string text(40u << 20, 'w');
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 25);
    std::string out(ZSTD_compressBound(text.size()), '\0');
    const std::size_t bytes =
        ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size());
    ZSTD_freeCCtx(context);
    REQUIRE(!ZSTD_isError(bytes));
    out.resize(bytes);
    CHECK(http::decode_content(Coding::zstd, out, 64u << 20).error().code == "bad_coding");
  }
}
