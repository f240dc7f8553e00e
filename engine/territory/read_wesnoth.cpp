// Wesnoth's text maps (wiki.wesnoth.org/BuildingMaps): one row a line, codes separated by commas,
// each "[player ]base[^overlay]". Flat-top hexagons; an outermost ring of cells is a border that is
// not played on. Columns counted from 0 after the border is dropped: the odd ones lie lower.
//
// How codes are read, the first rule that fits:
//   overlay ^V..                           a village: open, and a resource site
//   overlay ^B..                           a bridge: open
//   base or overlay _.. , overlay ^X..     off the map, impassable: obstacle
//   base Wwf..                             a ford: rough
//   base W.. M.. X.. Q..                   water, mountain, wall, chasm and lava: obstacle
//   base H.. S.. D.. or overlay ^F..       hills, swamp, sand, forest: rough
//   anything else                          open
// A player's number makes the cell that team's base, whatever it stands on. Of more than four
// players the lowest four numbers play; where the numbers are not 1, 2, ... they are counted anew.
// The map's notes say so.
#include <algorithm>

#include "engine/base/ascii.hpp"
#include "engine/base/message.hpp"
#include "engine/territory/map_import.hpp"

namespace redoubt::territory {
namespace {

constexpr std::size_t text_bytes_max = 1 << 20;
constexpr std::size_t code_bytes_max = 32;
constexpr std::size_t player_digits_max = 2;

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

Error bad_text(int line, int column, Pieces what, Pieces expected, Pieces got) {
  Error error = make_error("bad_map", what, {"line ", line, ", entry ", column}, expected, got);
  error.message = joined({error.message, " (", error.path, ")"});
  error.line = line;
  error.column = column;
  return error;
}

// Shows at most a short, printable piece of what was found.
std::string shown(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 24))
    out += c >= ' ' && c <= '~' ? c : '?';
  return "\"" + out + "\"";
}

struct Code {
  std::string_view base;
  std::string_view overlay;
  int team = -1;  ///< counted from 0; -1: no player starts here
};

bool is_village(const Code& code) {
  return starts_with(code.overlay, "V");
}

Terrain terrain_of(const Code& code) {
  if (is_village(code) || starts_with(code.overlay, "B")) return Terrain::open;
  if (starts_with(code.base, "_") || starts_with(code.overlay, "_") ||
      starts_with(code.overlay, "X")) {
    return Terrain::obstacle;
  }
  if (starts_with(code.base, "Wwf")) return Terrain::rough;
  switch (code.base.front()) {
    case 'W':
    case 'M':
    case 'X':
    case 'Q':
      return Terrain::obstacle;
    case 'H':
    case 'S':
    case 'D':
      return Terrain::rough;
    default:
      return starts_with(code.overlay, "F") ? Terrain::rough : Terrain::open;
  }
}

bool is_code_character(char c) {
  return is_ascii_alnum(c) || c == '_' || c == '^' || c == '/' || c == '\\' || c == '|' ||
         c == '*' || c == '+';
}

Result<Code> read_code(std::string_view entry, int line, int column) {
  std::string_view text = trimmed(entry);
  Code code;
  const std::size_t space = text.find_first_of(" \t");
  if (space != std::string_view::npos) {
    const std::string_view start = text.substr(0, space);
    text = trimmed(text.substr(space));
    const bool digits =
        std::all_of(start.begin(), start.end(), [](char c) { return c >= '0' && c <= '9'; });
    // Other words name places for a scenario's script; they mean nothing here.
    if (digits) {
      if (start.size() > player_digits_max || start.find_first_not_of('0') == start.npos) {
        return bad_text(line, column, {"a base of player ", shown(start), " is not possible"},
                        {"a player from 1 to 99"}, {shown(start)});
      }
      int player = 0;
      for (char c : start)
        player = player * 10 + (c - '0');
      code.team = player - 1;
    }
  }
  const bool known = !text.empty() && text.size() <= code_bytes_max &&
                     ((text[0] >= 'A' && text[0] <= 'Z') || text[0] == '_') &&
                     std::all_of(text.begin(), text.end(), is_code_character);
  if (!known) {
    return bad_text(line, column, {shown(entry), " is not a terrain code"},
                    {"a Wesnoth terrain code such as Gg, Wwf or Gs^Fp"}, {shown(entry)});
  }
  const std::size_t caret = text.find('^');
  code.base = text.substr(0, caret);
  if (caret != std::string_view::npos) code.overlay = text.substr(caret + 1);
  if (code.base.empty()) code.base = "_";
  return code;
}

struct Row {
  int line = 0;  ///< of the text, counted from 1
  std::vector<Code> codes;
};

struct Text {
  int border = 1;
  std::vector<Row> rows;
};

// "border_size=1", "usage=map": the head that maps of older versions carry.
Result<bool> read_head_line(std::string_view text, int line, int& border) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = trimmed(text.substr(0, equals));
  const std::string_view value = trimmed(text.substr(equals + 1));
  if (key == "usage" && value == "map") return true;
  if (key == "border_size" && (value == "0" || value == "1")) {
    border = value[0] - '0';
    return true;
  }
  return bad_text(line, 1, {shown(text), " is not a head line that is understood"},
                  {"border_size=0, border_size=1 or usage=map"}, {shown(text)});
}

Result<void> read_row(std::string_view text, Text& out, int line) {
  Row row{.line = line};
  std::size_t start = 0;
  while (true) {
    const std::size_t comma = text.find(',', start);
    const auto column = static_cast<int>(row.codes.size()) + 1;
    Result<Code> code = read_code(text.substr(start, comma - start), line, column);
    if (!code) return code.error();
    row.codes.push_back(*code);
    if (comma == std::string_view::npos) break;
    start = comma + 1;
    if (column > cells_max) {
      return bad_text(line, column, {"the row is too long"}, {"at most ", cells_max, " cells"},
                      {"more"});
    }
  }
  if (!out.rows.empty() && row.codes.size() != out.rows.front().codes.size()) {
    const std::size_t wanted = out.rows.front().codes.size();
    const std::size_t got = row.codes.size();
    return bad_text(line, static_cast<int>(row.codes.size()),
                    {"the row has ", got, " cells, the first has ", wanted}, {wanted, " cells"},
                    {got, " cells"});
  }
  out.rows.push_back(std::move(row));
  return {};
}

Result<Text> read_text(std::string_view text) {
  if (text.size() > text_bytes_max) {
    return bad_text(1, 1, {"the text is too long"}, {"at most ", text_bytes_max, " bytes"},
                    {text.size(), " bytes"});
  }
  Text out;
  int line = 0;
  while (!text.empty()) {
    ++line;
    const std::size_t end = text.find('\n');
    const std::string_view one = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (one.empty()) continue;
    if (out.rows.empty()) {
      const Result<bool> head = read_head_line(one, line, out.border);
      if (!head) return head.error();
      if (*head) continue;
    }
    if (Result<void> row = read_row(one, out, line); !row) return row.error();
    if (out.rows.size() > cells_max) {
      return bad_text(line, 1, {"the map has too many rows"}, {"at most ", cells_max, " rows"},
                      {"more"});
    }
  }
  const auto least = static_cast<std::size_t>(1 + 2 * out.border);
  if (out.rows.size() < least || out.rows.front().codes.size() < least) {
    return bad_text(std::max(line, 1), 1, {"the map has no cells inside its border"},
                    {"at least ", least, "x", least, " entries"}, {out.rows.size(), " rows"});
  }
  return out;
}

}  // namespace

Result<Map> read_wesnoth(std::string_view text) {
  Result<Text> read = read_text(text);
  if (!read) return read.error();
  const int border = read->border;
  const auto columns = static_cast<int>(read->rows.front().codes.size());
  const auto rows = static_cast<int>(read->rows.size());
  ImportedMap drawing{.width = columns - 2 * border, .height = rows - 2 * border};
  drawing.columns_staggered = true;
  drawing.players_numbered_anew = true;
  for (int y = 0; y < rows; ++y) {
    const Row& row = read->rows[static_cast<std::size_t>(y)];
    for (int x = 0; x < columns; ++x) {
      const Code& code = row.codes[static_cast<std::size_t>(x)];
      const hex::Offset at{x - border, y - border};
      const bool inside =
          at.column >= 0 && at.column < drawing.width && at.row >= 0 && at.row < drawing.height;
      if (!inside) {
        if (code.team < 0) continue;
        return bad_text(row.line, x + 1, {"base ", code.team + 1, " lies in the border"},
                        {"a base inside the outermost ring"}, {"a base in it"});
      }
      drawing.terrain.push_back(terrain_of(code));
      if (code.team >= 0) {
        drawing.bases.push_back({code.team, at});
      } else if (is_village(code)) {
        drawing.sites.push_back({at, std::nullopt});
      }
    }
  }
  return settle(std::move(drawing));
}

}  // namespace redoubt::territory
