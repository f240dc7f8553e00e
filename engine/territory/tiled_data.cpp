#include "engine/territory/tiled_data.hpp"

#include "engine/base/json.hpp"
#include "engine/base/unpack.hpp"

namespace redoubt::territory::tiled {
namespace {

using Gids = std::vector<std::uint32_t>;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// RFC 4648; white space between the characters is skipped.
std::string decode_base64(Fault& fault, std::string_view text, const std::string& path) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int bit_count = 0;
  bool padded = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) continue;
    if (text[i] == '=') {
      padded = true;
      continue;
    }
    const std::size_t value = alphabet.find(text[i]);
    if (value == alphabet.npos || padded) {
      fault.report({path}, {"base64"}, {"another character at position ", i});
      break;
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
Gids numbers_of(Fault& fault, std::string_view bytes, const std::string& path) {
  constexpr std::size_t number_bytes = 4;
  if (bytes.size() % number_bytes != 0) {
    fault.report({path}, {"base64 of whole 32-bit numbers"},
                 {bytes.size() % number_bytes, " bytes left over"});
  }
  Gids out(bytes.size() / number_bytes);
  for (std::size_t i = 0; i < out.size() * number_bytes; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out[i / number_bytes] |= std::uint32_t{byte} << (8 * (i % number_bytes));
  }
  return out;
}

Gids decode_csv(Fault& fault, std::string_view text, const std::string& path) {
  Gids out;
  std::uint64_t number = 0;
  bool digits = false;
  for (std::size_t i = 0; i <= text.size() && fault.ok(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
      digits = true;
      if (number > 0xffffffffu) fault.report({path}, {"32-bit numbers"}, {"a larger one"});
    } else if (c == ',') {
      // A comma at the end of the text, as some writers leave it, ends nothing.
      if (!digits && i < text.size()) {
        fault.report({path}, {"numbers between commas"}, {"an empty entry at position ", i});
      }
      if (digits) out.push_back(static_cast<std::uint32_t>(number));
      number = 0;
      digits = false;
    } else if (!is_space(c)) {
      fault.report({path}, {"numbers between commas"}, {"another character at position ", i});
    }
  }
  return out;
}

Gids decode_text(Fault& fault, const Json& layer, std::string_view text, const std::string& path,
                 std::size_t count) {
  if (text_of(layer, "encoding") != "base64") return decode_csv(fault, text, path);
  const std::string compression = text_of(layer, "compression");
  const bool zlib = compression == "zlib";
  if (!compression.empty() && !zlib && compression != "gzip") {
    fault.report({path},
                 {"tiles without compression, or with zlib or gzip (in Tiled: Map > Map Properties "
                  "> Tile Layer Format, then export again)"},
                 {compression});
    return {};
  }
  const std::string bytes = decode_base64(fault, text, path);
  if (compression.empty() || !fault.ok()) return numbers_of(fault, bytes, path);
  const Result<std::string> unpacked =
      unpack(bytes, zlib ? Packing::zlib : Packing::gzip, count * sizeof(std::uint32_t));
  if (unpacked) return numbers_of(fault, *unpacked, path);
  fault.report({path}, {count, " tiles packed with ", compression}, {unpacked.error().message});
  return {};
}

Gids array_numbers(Fault& fault, const Json& array, const std::string& path) {
  Gids out;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const Json& gid = array[i];
    if (!gid.is_number_unsigned() || gid.get<std::uint64_t>() > 0xffffffffu) {
      fault.report({path, "[", i, "]"}, {"a tile's number"}, {describe(gid)});
      break;
    }
    out.push_back(gid.get<std::uint32_t>());
  }
  return out;
}

}  // namespace

Gids read_data(Fault& fault, const Json& layer, const Json* data, const std::string& path,
               std::size_t count) {
  Gids out;
  if (data != nullptr && data->is_array()) {
    out = array_numbers(fault, *data, path);
  } else if (data != nullptr && data->is_string()) {
    out = decode_text(fault, layer, data->get_ref<const std::string&>(), path, count);
  } else {
    fault.report({path}, {"the layer's tiles, an array or a text"}, {shown(data)});
  }
  if (out.size() != count) fault.report({path}, {count, " tiles"}, {out.size()});
  return out;
}

}  // namespace redoubt::territory::tiled
