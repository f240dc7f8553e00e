#include "relay/http/content_coding.hpp"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "engine/base/message.hpp"
#include "relay/http/message.hpp"

namespace redoubt::http {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

std::string_view name_of(Coding coding) {
  constexpr std::array<std::string_view, 4> names{"identity", "gzip", "deflate", "zstd"};
  return names[static_cast<std::size_t>(coding)];
}

Error damaged(Coding coding, std::string_view what) {
  return make_error("bad_coding", {"the body is not ", name_of(coding), ": ", what}, {"body"},
                    {name_of(coding)}, {});
}

Error too_large(std::size_t bytes_max) {
  return make_error("too_large",
                    {"the body has more than ", static_cast<std::int64_t>(bytes_max),
                     " bytes without its Content-Encoding"},
                    {"body"}, {}, {});
}

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

Result<std::string> inflated(Coding coding, std::string_view packed, std::size_t bytes_max) {
  constexpr int window_bits = 15;
  constexpr int gzip_head = 16;
  z_stream state{};
  const int bits = coding == Coding::gzip ? window_bits + gzip_head : window_bits;
  if (inflateInit2(&state, bits) != Z_OK) return damaged(coding, "there is no memory to read it");
  const std::unique_ptr<z_stream, EndInflate> stream(&state);
  // The relay's bodies are bounded far below 4 GiB.
  stream->next_in = reinterpret_cast<const Bytef*>(packed.data());
  stream->avail_in = static_cast<uInt>(packed.size());
  std::string plain;
  std::array<Bytef, piece_bytes> piece{};
  for (int said = Z_OK; said != Z_STREAM_END;) {
    stream->next_out = piece.data();
    stream->avail_out = piece_bytes;
    said = inflate(stream.get(), Z_NO_FLUSH);
    if (said == Z_BUF_ERROR) return damaged(coding, "it ends in the middle");
    if (said != Z_OK && said != Z_STREAM_END)
      return damaged(coding, stream->msg != nullptr ? stream->msg : "it is damaged");
    const std::size_t made = piece_bytes - stream->avail_out;
    if (made > bytes_max - plain.size()) return too_large(bytes_max);
    plain.append(reinterpret_cast<const char*>(piece.data()), made);
  }
  if (stream->avail_in > 0) return damaged(coding, "more follows its end");
  return plain;
}

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Result<std::string> unzstd(std::string_view packed, std::size_t bytes_max) {
  constexpr int window_log_max = 23;
  static_assert((std::size_t{1} << window_log_max) == zstd_window_bytes_max);
  const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  if (!context) return damaged(Coding::zstd, "there is no memory to read it");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log_max);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::string plain;
  std::string piece(piece_bytes, '\0');
  std::size_t wanted = 1;  // until the frame is whole
  while (wanted != 0) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    const std::size_t read_before = in.pos;
    wanted = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(wanted)) return damaged(Coding::zstd, ZSTD_getErrorName(wanted));
    if (out.pos > bytes_max - plain.size()) return too_large(bytes_max);
    plain.append(piece.data(), out.pos);
    if (wanted != 0 && out.pos == 0 && in.pos == read_before)
      return damaged(Coding::zstd, "it ends in the middle");
  }
  if (in.pos < in.size) return damaged(Coding::zstd, "more follows its end");
  return plain;
}

}  // namespace

std::size_t unpacked_bytes_max(std::size_t packed_bytes, std::size_t bytes_max) {
  if (packed_bytes >= bytes_max) return bytes_max;
  return std::min(bytes_max, std::max(packed_always_bytes, packed_ratio_max * packed_bytes));
}

std::optional<Coding> read_coding(std::string_view content_encoding) {
  if (equal_ignoring_case(content_encoding, "x-gzip")) return Coding::gzip;
  for (const Coding coding : {Coding::identity, Coding::gzip, Coding::deflate, Coding::zstd})
    if (equal_ignoring_case(content_encoding, name_of(coding))) return coding;
  return std::nullopt;
}

Result<std::string> decode_content(Coding coding, std::string_view packed, std::size_t bytes_max) {
  switch (coding) {
    case Coding::gzip:
    case Coding::deflate:
      return inflated(coding, packed, bytes_max);
    case Coding::zstd:
      return unzstd(packed, bytes_max);
    case Coding::identity:
      break;
  }
  if (packed.size() > bytes_max) return too_large(bytes_max);
  return std::string(packed);
}

}  // namespace redoubt::http
