#include "relay/upstream/redaction.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "engine/base/ascii.hpp"
#include "relay/auth/base64.hpp"
#include "relay/auth/crypto.hpp"
#include "relay/auth/secret.hpp"

namespace redoubt::upstream {
namespace {

// A place in the text as it came: from, to.
using Place = std::pair<std::uint32_t, std::uint32_t>;

/// A text and where each of its bytes stands in the one that came.
struct Reading {
  std::string text;
  std::vector<Place> places;
  void add(char c, Place place) {
    text += c;
    places.push_back(place);
  }
};

bool is_word(char c) {
  return is_ascii_alnum(c);
}

char lower(char c) {
  return ascii_lower(c);
}

int digit_of(char c, int base) {
  const int value = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : base;
  return value < base ? value : -1;
}

/// An escape at the start of a text: what it stands for, and its length.
struct Escape {
  char value;
  std::size_t size;
};

// `digits_max` digits after `skip` bytes, then `end` where it is not 0.
std::optional<Escape> numbered(std::string_view text, std::size_t skip, int base,
                               std::size_t digits_max, bool exactly, char end) {
  int value = 0;
  std::size_t at = skip;
  while (at < text.size() && at - skip < digits_max && digit_of(text[at], base) >= 0)
    value = value * base + digit_of(text[at++], base);
  if (at == skip || (exactly && at - skip != digits_max) || value > 0x7f) return std::nullopt;
  if (end != 0) {
    if (at >= text.size() || text[at] != end) return std::nullopt;
    ++at;
  }
  return Escape{static_cast<char>(value), at};
}

std::optional<Escape> escape_at(std::string_view text) {
  constexpr int hexadecimal = 16;
  constexpr int decimal = 10;
  constexpr std::size_t entity_digits_max = 6;
  if (text.starts_with('%')) return numbered(text, 1, hexadecimal, 2, true, 0);
  if (text.starts_with("\\u")) return numbered(text, 2, hexadecimal, 4, true, 0);
  if (text.starts_with("\\x")) return numbered(text, 2, hexadecimal, 2, true, 0);
  if (text.starts_with("&#x") || text.starts_with("&#X"))
    return numbered(text, 3, hexadecimal, entity_digits_max, false, ';');
  if (text.starts_with("&#")) return numbered(text, 2, decimal, entity_digits_max, false, ';');
  return std::nullopt;
}

/// One layer of escapes read. False where there was none.
bool decode(Reading& reading) {
  Reading out;
  bool found = false;
  const std::string_view text = reading.text;
  for (std::size_t i = 0; i < text.size();) {
    const auto escape = escape_at(text.substr(i));
    const std::size_t size = escape ? escape->size : 1;
    out.add(escape ? escape->value : text[i],
            {reading.places[i].first, reading.places[i + size - 1].second});
    found = found || escape.has_value();
    i += size;
  }
  reading = std::move(out);
  return found;
}

Reading as_it_is(std::string_view text) {
  Reading reading;
  for (std::uint32_t i = 0; i < text.size(); ++i)
    reading.add(text[i], {i, i + 1});
  return reading;
}

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text)
    if (is_word(c)) out += lower(c);
  return out;
}

Reading folded(const Reading& reading) {
  Reading out;
  for (std::size_t i = 0; i < reading.text.size(); ++i)
    if (is_word(reading.text[i])) out.add(lower(reading.text[i]), reading.places[i]);
  return out;
}

Reading lowered(const Reading& reading) {
  Reading out = reading;
  for (char& c : out.text)
    c = lower(c);
  return out;
}

/// All pieces of one length of a text, to be looked up.
class Pieces {
 public:
  Pieces(std::string_view text, std::size_t size) : text_(text), size_(size) {
    for (std::uint32_t i = 0; i + size <= text.size(); ++i)
      starts_.push_back(i);
    std::sort(starts_.begin(), starts_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return at(a) < at(b); });
  }

  /// Calls `use` with the start of each piece of the text that is one of `form` too.
  template <class Use>
  void each_in(std::string_view form, Use use) const {
    for (std::size_t i = 0; i + size_ <= form.size(); ++i) {
      const std::string_view piece = form.substr(i, size_);
      const auto first = std::lower_bound(
          starts_.begin(), starts_.end(), piece,
          [this](std::uint32_t start, std::string_view p) { return at(start) < p; });
      for (auto found = first; found != starts_.end() && at(*found) == piece; ++found)
        use(*found);
    }
  }

 private:
  std::string_view at(std::uint32_t start) const { return text_.substr(start, size_); }

  std::string_view text_;
  std::size_t size_;
  std::vector<std::uint32_t> starts_;
};

/// How a secret may be written, folded; overwritten when it goes.
class Forms {
 public:
  explicit Forms(std::string_view secret) {
    constexpr std::size_t alignments = 3;
    add(folded(secret));
    for (const char c : secret)
      spelled_ += lower(c);
    if (list_.front().size() < fragment_bytes_min) return;
    add(std::string(list_.front().rbegin(), list_.front().rend()));
    std::string hex =
        auth::to_hex({reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()});
    add(folded(hex));
    auth::cleanse(hex);
    for (std::size_t skip = 0; skip < alignments && skip < secret.size(); ++skip) {
      std::string text = auth::to_base64url(secret.substr(skip));
      add(folded(text));
      auth::cleanse(text);
    }
  }
  ~Forms() {
    for (std::string& form : list_)
      auth::cleanse(form);
    auth::cleanse(spelled_);
  }
  Forms(const Forms&) = delete;
  Forms& operator=(const Forms&) = delete;

  bool is_short() const { return list_.size() == 1; }
  const std::vector<std::string>& list() const { return list_; }
  /// With what stands between the letters and digits.
  const std::string& spelled() const { return spelled_; }

 private:
  void add(std::string form) { list_.push_back(std::move(form)); }
  std::vector<std::string> list_;
  std::string spelled_;
};

void find_word(std::string_view text, std::string_view word, std::vector<Place>& out) {
  if (word.empty()) return;
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const bool ends = end == text.size() || !is_word(text[end]);
    if (begins && ends)
      out.emplace_back(static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end));
  }
}

/// Fragments of a form of a secret in a reading, as places in the text that came.
void find_fragments(const Reading& reading, const Pieces& pieces, std::string_view form,
                    std::vector<Place>& out) {
  pieces.each_in(form, [&](std::uint32_t start) {
    out.emplace_back(reading.places[start].first,
                     reading.places[start + fragment_bytes_min - 1].second);
  });
}

/// What masks a part of a key: dots and stars, and their like beyond ASCII.
bool is_mask(char c) {
  return c == '.' || c == '*' || static_cast<unsigned char>(c) >= 0x80;
}

/// How many bytes of the text's beginning are the secret's end, as a word of their own; 0 for none.
std::size_t tail_at(std::string_view text, std::string_view secret) {
  std::size_t size = std::min({masked_tail_bytes_max, text.size(), secret.size()});
  for (; size >= masked_tail_bytes_min; --size) {
    const bool ends = size == text.size() || !is_word(text[size]);
    if (ends && text.starts_with(secret.substr(secret.size() - size))) return size;
  }
  return 0;
}

/// The ends of a key that stand behind a mask ("sk-...Rt7u"), with the mask.
void find_masked_tails(const Reading& reading, std::string_view secret, std::vector<Place>& out) {
  const std::string_view text = reading.text;
  std::size_t mask = 0;  // bytes of it up to here
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_mask(text[at])) {
      ++mask;
      continue;
    }
    const std::size_t tail = mask >= mask_bytes_min ? tail_at(text.substr(at), secret) : 0;
    if (tail > 0)
      out.emplace_back(reading.places[at - mask].first, reading.places[at + tail - 1].second);
    mask = 0;
  }
}

/// Many small pieces of the secret as it is, each too short for a fragment.
bool is_scattered(const Reading& reading, const Pieces& pieces, const Forms& forms) {
  std::vector<bool> covered(reading.text.size());
  pieces.each_in(forms.list().front(), [&](std::uint32_t start) {
    std::fill_n(covered.begin() + start, scattered_piece_bytes, true);
  });
  const auto count = std::count(covered.begin(), covered.end(), true);
  return static_cast<std::size_t>(count) >= scattered_bytes_min;
}

/// The text as it came and with each layer of escapes read.
std::vector<Reading> readings_of(std::string_view text) {
  std::vector<Reading> readings{as_it_is(text)};
  for (int i = 0; i < decodings_max; ++i) {
    Reading deeper = readings.back();
    if (!decode(deeper)) break;
    readings.push_back(std::move(deeper));
  }
  return readings;
}

std::vector<Place> places_of(std::string_view text, std::span<const std::string_view> secrets) {
  std::vector<Place> places;
  for (const Reading& reading : readings_of(text)) {
    const Reading bare = folded(reading);
    const Pieces bare_pieces(bare.text, fragment_bytes_min);
    const Reading spelled = lowered(reading);
    const Pieces spelled_pieces(spelled.text, fragment_bytes_min);
    for (const std::string_view secret : secrets) {
      const Forms forms(secret);
      find_fragments(spelled, spelled_pieces, forms.spelled(), places);
      if (forms.is_short()) {
        find_word(text, secret, places);
        continue;
      }
      find_masked_tails(spelled, forms.spelled(), places);
      for (const std::string& form : forms.list())
        find_fragments(bare, bare_pieces, form, places);
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

bool shows_secret(std::string_view text, std::span<const std::string_view> secrets) {
  if (!places_of(text, secrets).empty()) return true;
  for (const Reading& reading : readings_of(text)) {
    const Reading bare = folded(reading);
    const Pieces pieces(bare.text, scattered_piece_bytes);
    for (const std::string_view secret : secrets) {
      const Forms forms(secret);
      if (!forms.is_short() && is_scattered(bare, pieces, forms)) return true;
    }
  }
  return false;
}

std::string redacted(std::string_view text, std::span<const std::string_view> secrets) {
  std::string out;
  std::size_t at = 0;
  const std::vector<Place> places = places_of(text, secrets);
  for (std::size_t i = 0; i < places.size();) {
    const std::size_t from = places[i].first;
    std::size_t to = places[i].second;
    for (++i; i < places.size() && places[i].first <= to; ++i)
      to = std::max<std::size_t>(to, places[i].second);
    out.append(text.substr(at, from - at)).append(redacted_mark);
    at = to;
  }
  return out.append(text.substr(at));
}

}  // namespace redoubt::upstream
