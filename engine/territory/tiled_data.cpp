#include "engine/territory/tiled_data.hpp"

#include "engine/base/json.hpp"
#include "engine/base/unpack.hpp"
#include "engine/territory/tiled_words.hpp"

namespace redoubt::territory::tiled {
namespace {

using Gids = std::vector<std::uint32_t>;

// RFC 4648; white space between the characters is skipped.
Result<std::string> decode_base64(std::string_view text, const std::string& path) {
  std::string out;
  std::uint32_t bits = 0;
  int bit_count = 0;
  bool padded = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    if (c == '=') {
      padded = true;
      continue;
    }
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (value < 0 || padded) {
      return bad_tiled({path}, {"base64"}, {"another character at position ", i});
    }
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffffu;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    out += static_cast<char>(bits >> bit_count & 0xffu);
  }
  return out;
}

// Little-endian 32-bit numbers.
Result<Gids> numbers_of(std::string_view bytes, const std::string& path) {
  constexpr std::size_t number_bytes = 4;
  if (bytes.size() % number_bytes != 0) {
    return bad_tiled({path}, {"base64 of whole 32-bit numbers"},
                     {bytes.size() % number_bytes, " bytes left over"});
  }
  Gids out;
  for (std::size_t at = 0; at < bytes.size(); at += number_bytes) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < number_bytes; ++i)
      number |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    out.push_back(number);
  }
  return out;
}

Result<Gids> decode_csv(std::string_view text, const std::string& path) {
  Gids out;
  std::uint64_t number = 0;
  bool digits = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
      digits = true;
      if (number > 0xffffffffu) return bad_tiled({path}, {"32-bit numbers"}, {"a larger one"});
    } else if (c == ',') {
      // A comma at the end of the text, as some writers leave it, ends nothing.
      if (!digits && i < text.size()) {
        return bad_tiled({path}, {"numbers between commas"}, {"an empty entry at position ", i});
      }
      if (digits) out.push_back(static_cast<std::uint32_t>(number));
      number = 0;
      digits = false;
    } else if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      return bad_tiled({path}, {"numbers between commas"}, {"another character at position ", i});
    }
  }
  return out;
}

Result<Gids> decode_text(const Json& layer, std::string_view text, const std::string& path,
                         std::size_t count) {
  if (text_of(layer, "encoding") != "base64") return decode_csv(text, path);
  const std::string compression = text_of(layer, "compression");
  const bool zlib = compression == "zlib";
  if (!compression.empty() && !zlib && compression != "gzip") {
    return bad_tiled({path},
                     {"tiles without compression, or with zlib or gzip (in Tiled: Map > Map "
                      "Properties > Tile Layer Format, then export again)"},
                     {compression});
  }
  const Result<std::string> bytes = decode_base64(text, path);
  if (!bytes) return bytes.error();
  if (compression.empty()) return numbers_of(*bytes, path);
  const Result<std::string> unpacked =
      unpack(*bytes, zlib ? Packing::zlib : Packing::gzip, count * sizeof(std::uint32_t));
  if (unpacked) return numbers_of(*unpacked, path);
  return bad_tiled({path}, {count, " tiles packed with ", compression}, {unpacked.error().message});
}

Result<Gids> array_numbers(const Json& array, const std::string& path) {
  Gids out;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const Json& gid = array[i];
    if (!gid.is_number_unsigned() || gid.get<std::uint64_t>() > 0xffffffffu) {
      return bad_tiled({path, "[", i, "]"}, {"a tile's number"}, {describe(gid)});
    }
    out.push_back(gid.get<std::uint32_t>());
  }
  return out;
}

}  // namespace

Result<Gids> read_data(const Json& layer, const Json* data, const std::string& path,
                       std::size_t count) {
  if (data == nullptr) return bad_tiled({path}, {"the layer's tiles"}, {"nothing"});
  if (!data->is_array() && !data->is_string()) {
    return bad_tiled({path}, {"an array or a text"}, {describe(*data)});
  }
  Result<Gids> out = data->is_array()
                         ? array_numbers(*data, path)
                         : decode_text(layer, data->get_ref<const std::string&>(), path, count);
  if (out && out->size() != count) return bad_tiled({path}, {count, " tiles"}, {out->size()});
  return out;
}

}  // namespace redoubt::territory::tiled
