// What a target takes, value by value: a table by dialect and by its models' names.
//
// What is not said here is not known to be refused. Lists are words divided by '|'.
// Sources: the providers' API references and error texts, gathered 2026-11-29.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/llm/dialect.hpp"

namespace redoubt::llm {

struct FitRules {
  std::string_view dialect;              ///< "" ends the table: of all others
  std::string_view model = "";           ///< with which its models' names begin
  std::size_t tool_name_max = 64;        ///< of letters, digits, _ and -
  std::string_view tool_name_also = "";  ///< and these characters
  bool tool_name_letter = false;         ///< it begins with a letter or _
  std::size_t tools_max = 1 << 20;
  std::size_t call_id_max = 40;  ///< of letters, digits, _ and -
  std::size_t user_max = 64;
  std::size_t stops_max = 1 << 20;
  double temperature_max = 2;
  double penalty_min = -2;
  double penalty_max = 2;
  double top_p_min = 0;
  double top_p_max = 1;
  std::int64_t seed_min = INT64_MIN;
  std::int64_t seed_max = INT64_MAX;
  std::int64_t output_tokens_min = 1;
  std::int64_t budget_min = 0;  ///< of thinking, where it is told one that is not 0
  std::int64_t budget_max = INT64_MAX;
  std::string_view image_types = "";  ///< what follows "image/"
  std::string_view efforts = "";      ///< where the model's card says none
  std::string_view drops = "";        ///< members of the format that the provider refuses
  bool penalties = true;
  bool names = true;            ///< of participants
  bool image_urls = true;       ///< else images travel inside
  bool blank_text = true;       ///< a text, or a stop, of nothing but white space
  bool empty_assistant = true;  ///< a turn of the model that says nothing
  bool starts_with_any = true;  ///< else the first message is the user's
  bool ends_with_any = true;    ///< else the last message is not the model's
  bool schema_alone = false;    ///< an output's form goes neither beside tools nor in a stream
  bool is_formats_own = false;  ///< the provider whose format it is: its clients know its numbers
};

/// The first row that fits.
const FitRules& fit_rules(std::string_view dialect, std::string_view model);

/// Whether a Claude model takes a system message further down: those that are told a budget and a
/// few others take none, or do not heed it.
/// https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
bool takes_system_inside(ReasoningStyle reasoning, std::string_view model);

/// Whether a word is in a list.
bool is_in_list(std::string_view word, std::string_view list);

}  // namespace redoubt::llm
