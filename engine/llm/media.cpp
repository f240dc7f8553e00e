#include "engine/llm/media.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/base64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"

namespace redoubt::llm {
namespace {

constexpr std::string_view pdf = "application/pdf";
// Of a client's own words, in an error.
constexpr std::size_t shown_bytes_max = 64;

/// A document or a sound with what its format says of it apart.
struct Media {
  ChatPart part;
  std::string context;  ///< Anthropic's: words about the document for the model
};

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

/// "text/plain; charset=utf-8" without what follows the type.
std::string_view bare_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ')
    type.remove_suffix(1);
  return type;
}

bool is_text_type(std::string_view type) {
  return begins(type, "text/") || type == "application/json" || type == "application/xml";
}

/// In the alphabet that every provider reads: Google's own SDK writes the other one.
std::string standard_base64(std::string_view data) {
  std::string standard(data);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  return standard;
}

Media media_of(PartKind kind, std::string_view type, std::string_view data, std::string_view name) {
  Media media;
  media.part.kind = kind;
  media.part.media_type = bare_type(type);
  media.part.data = standard_base64(data);
  media.part.name = name;
  return media;
}

/// A file of OpenAI's two formats: its data is a data: URL.
std::optional<Media> read_file(const Json& file) {
  const auto url = read_data_url(text_in(file, "file_data"));
  if (!url || url->data.empty()) return std::nullopt;
  return media_of(PartKind::document, url->media_type, url->data, text_in(file, "filename"));
}

std::optional<Media> read_input_audio(const Json& audio) {
  const std::string_view data = text_in(audio, "data");
  const std::string_view format = text_in(audio, "format");
  if (data.empty() || (format != "wav" && format != "mp3")) return std::nullopt;
  return media_of(PartKind::audio, joined({"audio/", format}), data, "");
}

/// The texts of Anthropic's blocks; nothing where there is a picture among them.
std::optional<std::string> read_texts(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) return std::nullopt;
  std::string text;
  for (const Json& block : content) {
    if (text_in(block, "type") != "text") return std::nullopt;
    if (!text.empty()) text += "\n\n";
    text += text_in(block, "text");
  }
  return text;
}

std::optional<Media> read_anthropic(const Json& json) {
  const Json* source = member_of(json, "source");
  if (source == nullptr) return std::nullopt;
  const std::string_view type = text_in(*source, "type");
  const std::string_view data = text_in(*source, "data");
  Media media = media_of(PartKind::document, "text/plain", "", text_in(json, "title"));
  media.context = text_in(json, "context");
  if (type == "text") {
    media.part.text = data;
  } else if (const Json* content = member_of(*source, "content"); type == "content" && content) {
    auto text = read_texts(*content);
    if (!text) return std::nullopt;
    media.part.text = std::move(*text);
  } else if (type == "base64" && !data.empty()) {
    media.part.media_type = bare_type(text_in(*source, "media_type"));
    media.part.data = standard_base64(data);
  } else {
    return std::nullopt;
  }
  return media;
}

std::optional<Media> read_inline_data(const Json& source) {
  const std::string_view type = bare_type(text_in(source, "mimeType"));
  const std::string_view data = text_in(source, "data");
  const bool sound = begins(type, "audio/");
  if (data.empty() || !(sound || type == pdf || is_text_type(type))) return std::nullopt;
  return media_of(sound ? PartKind::audio : PartKind::document, type, data,
                  text_in(source, "displayName"));
}

std::optional<Media> read_own(const ChatPart& part, const Json& json) {
  const std::string_view type = text_in(json, "type");
  const Json* own = nullptr;
  switch (part.format) {
    case WireFormat::openai_chat:
      own = member_of(json, type == "file" ? "file" : "input_audio");
      if (own == nullptr) return std::nullopt;
      return type == "file" ? read_file(*own) : read_input_audio(*own);
    case WireFormat::openai_responses:
      return read_file(json);
    case WireFormat::anthropic:
      return read_anthropic(json);
    case WireFormat::gemini:
      own = member_of(json, "inlineData");
      return own == nullptr ? std::nullopt : read_inline_data(*own);
    default:
      return std::nullopt;
  }
}

/// What a client's part is; nothing where it is not inside the request, or of no kind that another
/// format could take.
std::optional<Media> read_media(const ChatPart& part) {
  if (part.kind != PartKind::opaque) return Media{part, {}};
  const auto json = parse_client_body(part.extra);
  if (!json.ok()) return std::nullopt;
  auto media = read_own(part, *json);
  if (!media) return media;
  media->part.format = part.format;
  if (const std::string_view mark = cache_mark(part.format, part.extra); !mark.empty())
    media->part.extra = joined({R"({"cache_control":)", mark, "}"});
  return media;
}

/// The type of a client's part where it is a file of some kind, wherever that lies; else "".
std::string_view file_word(const ChatPart& part) {
  if (part.kind == PartKind::document) return "document";
  if (part.kind == PartKind::audio) return "audio";
  if (part.kind != PartKind::opaque) return {};
  if (part.format == WireFormat::gemini) {
    for (const std::string_view word : {"inlineData", "fileData"})
      if (!member_text(part.extra, word).empty()) return word;
    return {};
  }
  std::string_view type = member_text(part.extra, "type");
  for (const std::string_view word : {R"("file")", R"("input_file")", R"("input_audio")",
                                      R"("document")", R"("document_url")", R"("video_url")"})
    if (type == word) return type.substr(1, type.size() - 2);
  return {};
}

/// By the ending of its address; "" where that says nothing (YouTube's have none).
std::string_view video_type(std::string_view url) {
  constexpr std::pair<std::string_view, std::string_view> types[] = {{".mp4", "video/mp4"},
                                                                     {".webm", "video/webm"},
                                                                     {".mov", "video/quicktime"},
                                                                     {".mpeg", "video/mpeg"}};
  const std::string_view path = url.substr(0, url.find_first_of("?#"));
  for (const auto& [ending, type] : types)
    if (path.size() > ending.size() && path.substr(path.size() - ending.size()) == ending)
      return type;
  return {};
}

/// An address whose ending or host says that a video lies there.
bool is_video_address(std::string_view url) {
  constexpr std::string_view hosts[] = {"https://www.youtube.com/", "https://youtube.com/",
                                        "https://youtu.be/", "https://m.youtube.com/"};
  return !video_type(url).empty() || std::any_of(std::begin(hosts), std::end(hosts),
                                                 [&](auto host) { return begins(url, host); });
}

/// A client's own part, of any format that has video.
bool is_video(const ChatPart& part, std::string_view word) {
  if (word == "video_url") return true;
  if (word != "inlineData" && word != "fileData") return false;
  const std::string_view source = member_text(part.extra, word);
  const std::string_view type = member_text(source, "mimeType");
  if (!type.empty()) return begins(type, "\"video/");
  std::string_view url = member_text(source, "fileUri");
  if (url.size() > 2) url = url.substr(1, url.size() - 2);
  return is_video_address(url);
}

/// Anthropic's blocks that are words to a model and have no place elsewhere: what a search of the
/// client's own found. Nothing for any other part.
std::optional<std::string> read_found(const ChatPart& part) {
  if (part.kind != PartKind::opaque || part.format != WireFormat::anthropic) return std::nullopt;
  const std::string_view type = member_text(part.extra, "type");
  if (type != R"("tool_reference")" && type != R"("search_result")") return std::nullopt;
  const auto json = parse_client_body(part.extra);
  if (!json.ok()) return std::nullopt;
  if (type == R"("tool_reference")") {
    const std::string_view name = text_in(*json, "tool_name");
    return joined({"Tool found: ", name.empty() ? text_in(*json, "name") : name});
  }
  const Json* content = member_of(*json, "content");
  auto text = content == nullptr ? std::string() : read_texts(*content);
  if (!text) return std::nullopt;
  return joined({text_in(*json, "title"), "\n", text_in(*json, "source"), "\n\n", *text});
}

class Settler {
 public:
  explicit Settler(const Target& target) : target_(target), format_(target.dialect->format) {}

  /// Is there anything in the message that the target does not take as it is?
  bool changes(const ChatMessage& message) const {
    return holds_media(message) &&
           std::any_of(message.parts.begin(), message.parts.end(), [&](const ChatPart& part) {
             return changes(part) ||
                    std::any_of(part.content.begin(), part.content.end(),
                                [&](const ChatPart& piece) { return changes(piece); });
           });
  }

  /// What goes on as it is costs what nobody knows, whoever said it.
  Result<void> check_sound(const ChatMessage& message) const {
    const auto is_own_sound = [&](const ChatPart& part) {
      return part.format == format_ && is_sound(part, file_word(part));
    };
    for (const ChatPart& part : message.parts) {
      const bool any =
          is_own_sound(part) || std::any_of(part.content.begin(), part.content.end(), is_own_sound);
      if (any && !target_.prices_sound) return unpriced();
    }
    return {};
  }

  Result<void> settle(std::vector<ChatPart>& parts) const {
    std::vector<ChatPart> settled;
    for (ChatPart& part : parts) {
      if (auto inside = settle_content(part); !inside.ok()) return inside;
      if (!changes(part)) {
        settled.push_back(std::move(part));
      } else if (part.kind == PartKind::image) {
        part.data = standard_base64(part.data);
        settled.push_back(std::move(part));
      } else if (auto added = add(part, settled); !added.ok()) {
        return added;
      }
    }
    parts = std::move(settled);
    return {};
  }

 private:
  // What a model said before is its own format's; a system's words are texts.
  static bool holds_media(const ChatMessage& message) {
    return message.role == Role::user || message.role == Role::tool;
  }

  bool takes_documents() const {
    return (target_.dialect->takes & takes_files) != 0 && target_.takes_documents;
  }

  static bool is_document(const ChatPart& part, std::string_view word) {
    if (word == "file" || word == "input_file" || word == "document") return true;
    return word == "inlineData" &&
           member_text(member_text(part.extra, word), "mimeType") == joined({"\"", pdf, "\""});
  }

  // Video has sound, too; an unknown type may be anything.
  static bool is_sound(const ChatPart& part, std::string_view word) {
    if (word != "inlineData" && word != "fileData")
      return word == "audio" || word == "input_audio" || word == "video_url";
    const std::string_view type = member_text(member_text(part.extra, word), "mimeType");
    return !begins(type, "\"image/") && !begins(type, "\"text/") && !begins(type, "\"application/");
  }

  bool changes(const ChatPart& part) const {
    const bool own = part.format == format_;
    if (part.kind == PartKind::image)
      return !own && part.data.find_first_of("-_") != std::string::npos;
    const std::string_view word = file_word(part);
    if (word.empty()) return !own && read_found(part).has_value();
    if (part.kind != PartKind::opaque || !own) return true;
    // Of other formats' own every dialect takes them.
    const bool may = word == "file" ? takes_documents() : target_.takes_documents;
    return !may && is_document(part, word);
  }

  Result<void> settle_content(ChatPart& part) const {
    const bool any = std::any_of(part.content.begin(), part.content.end(),
                                 [&](const ChatPart& piece) { return changes(piece); });
    if (any) return settle(part.content);
    return {};
  }

  Result<void> add(const ChatPart& part, std::vector<ChatPart>& out) const {
    if (is_video(part, file_word(part))) return add_video(part, out);
    if (auto found = read_found(part)) {
      ChatPart& text = out.emplace_back();
      text.text = std::move(*found);
      text.format = part.format;
      return {};
    }
    auto media = read_media(part);
    if (!media && part.format != format_) return unreadable(part);
    if (!media) {  // the provider itself says what it thinks of it
      out.push_back(part);
      return {};
    }
    if (media->part.kind == PartKind::audio) return add_sound(std::move(*media), out);
    const bool is_text = media->part.data.empty() || is_text_type(media->part.media_type);
    if (is_text) return add_text(std::move(*media), out);
    return add_document(std::move(*media), out);
  }

  Error unreadable(const ChatPart& part) const {
    const std::string_view type = member_text(member_text(part.extra, "inlineData"), "mimeType");
    const std::string kind =
        type.size() > 2
            ? joined({" (", type.substr(1, type.size() - 2).substr(0, shown_bytes_max), ")"})
            : std::string();
    return unsupported(
        joined({"content of type \"", file_word(part), "\"", kind, " of a request of the format ",
                format_name(part.format),
                ". A PDF or a text that is itself in the request, as base64, can go there"}),
        target_);
  }

  Error unpriced() const {
    return unsupported(
        joined({"audio for the model ", target_.model, ": what it costs there is not known"}),
        target_);
  }

  Error refused_video(const ChatPart& part, std::string_view what) const {
    const std::string_view word = file_word(part);
    const std::string_view type = member_text(member_text(part.extra, word), "mimeType");
    return unsupported(
        joined({what, " (", type.substr(0, shown_bytes_max), type.empty() ? "" : ", ", word,
                " of the format ", format_name(part.format),
                "). Video, inside the request or at an https address, goes to "
                "targets of the dialects gemini, openrouter and vllm"}),
        target_);
  }

  // Gemini's inlineData or fileData, and `video_url` of OpenRouter's and vLLM's chat completions.
  Result<void> add_video(const ChatPart& part, std::vector<ChatPart>& out) const {
    const auto json = parse_client_body(part.extra);
    if (!json.ok()) return unreadable(part);
    if (format_ == WireFormat::gemini) return add_gemini_video(part, *json, out);
    if ((target_.dialect->takes & takes_video) == 0) return refused_video(part, "video");
    return add_video_url(part, *json, out);
  }

  Result<void> add_gemini_video(const ChatPart& part, const Json& json,
                                std::vector<ChatPart>& out) const {
    const Json* video = member_of(json, "video_url");
    const std::string_view url =
        video != nullptr && video->is_string() ? text_of(video) : text_of(member_of(video, "url"));
    const auto data = read_data_url(url);
    const bool inside = data && begins(data->media_type, "video/") && !data->data.empty();
    if (!inside && !begins(url, "https://")) return refused_video(part, "what lies there");
    if (!target_.prices_sound) return unpriced();
    Json settled;
    if (inside) {
      settled["inlineData"] = {{"mimeType", data->media_type},
                               {"data", standard_base64(data->data)}};
    } else {
      settled["fileData"] = {{"fileUri", url}};
      if (const std::string_view type = video_type(url); !type.empty())
        settled["fileData"]["mimeType"] = type;
    }
    out.push_back(opaque_part(settled, WireFormat::gemini));
    return {};
  }

  // How many pictures a second are looked at is a wish; where to begin and to end is not.
  Result<void> add_video_url(const ChatPart& part, const Json& json,
                             std::vector<ChatPart>& out) const {
    const Json* clip = member_of(json, "videoMetadata");
    for (const char* place : {"startOffset", "endOffset"})
      if (member_of(clip, place) != nullptr) return refused_video(part, "a clip of a video");
    const Json* inside = member_of(json, "inlineData");
    const Json* source = inside != nullptr ? inside : member_of(json, "fileData");
    std::string url(text_of(member_of(source, "fileUri")));
    if (inside != nullptr)
      url = joined({"data:", bare_type(text_of(member_of(inside, "mimeType"))), ";base64,",
                    standard_base64(text_of(member_of(inside, "data")))});
    else if (!begins(url, "https://"))
      return refused_video(part, "what lies there");
    if (!target_.prices_sound) return unpriced();
    out.push_back(opaque_part({{"type", "video_url"}, {"video_url", {{"url", url}}}},
                              WireFormat::openai_chat));
    return {};
  }

  Error refused(std::string_view what, const ChatPart& part) const {
    std::string words = joined({what, " in the request ("});
    if (!part.name.empty()) words += joined({"\"", part.name.substr(0, shown_bytes_max), "\", "});
    return unsupported(joined({words, part.media_type.substr(0, shown_bytes_max), ")"}), target_);
  }

  Result<void> add_sound(Media media, std::vector<ChatPart>& out) const {
    const std::string& type = media.part.media_type;
    const bool wav = type == "audio/wav" || type == "audio/x-wav" || type == "audio/wave";
    const bool mp3 = type == "audio/mp3" || type == "audio/mpeg";
    const bool chat = (target_.dialect->takes & takes_sound) != 0 && (wav || mp3);
    if (format_ != WireFormat::gemini && !chat) return refused("audio", media.part);
    if (!target_.prices_sound) return unpriced();
    if (wav || mp3) media.part.media_type = wav ? "audio/wav" : "audio/mp3";
    out.push_back(std::move(media.part));
    return {};
  }

  static std::string preface_of(const Media& media, bool with_name) {
    std::string text = with_name ? media.part.name : std::string();
    if (!text.empty() && !media.context.empty()) text += '\n';
    return text + media.context;
  }

  // A text of its own before the document.
  static void add_preface(std::string words, const ChatPart& part, std::vector<ChatPart>& out) {
    if (words.empty()) return;
    ChatPart& preface = out.emplace_back();
    preface.text = std::move(words);
    preface.format = part.format;
  }

  Result<void> add_text(Media media, std::vector<ChatPart>& out) const {
    ChatPart& part = media.part;
    if (!part.data.empty()) {
      auto text = from_base64(part.data);
      if (!text) return refused("a document that is no base64", part);
      part.text = std::move(*text);
      part.data.clear();
    }
    const bool blank = part.text.find_first_not_of(" \t\r\n") == std::string::npos;
    if (format_ == WireFormat::anthropic && !blank) {
      part.media_type = "text/plain";
      out.push_back(std::move(part));
      return {};
    }
    const std::string preface = preface_of(media, true);
    part.kind = PartKind::text;
    if (!preface.empty()) part.text = joined({preface, "\n\n", part.text});
    part.name.clear();
    part.media_type.clear();
    out.push_back(std::move(part));
    return {};
  }

  Result<void> add_document(Media media, std::vector<ChatPart>& out) const {
    const bool any_type = format_ == WireFormat::openai_responses;
    const bool taken = takes_documents() && (any_type || media.part.media_type == pdf);
    if (!target_.takes_documents)
      return unsupported(joined({"a document for the model ", target_.model, ", which reads none"}),
                         target_);
    if (!taken) return refused("a document", media.part);
    // Gemini has no place for a file's name.
    add_preface(preface_of(media, format_ == WireFormat::gemini), media.part, out);
    out.push_back(std::move(media.part));
    return {};
  }

  const Target& target_;
  const WireFormat format_;
};

}  // namespace

bool has_documents(const ChatRequest& request) {
  const auto is_document = [](const ChatPart& part) {
    const std::string_view word = file_word(part);
    return !word.empty() && word != "audio" && word != "input_audio";
  };
  return std::any_of(
      request.messages.begin(), request.messages.end(), [&](const ChatMessage& message) {
        return std::any_of(message.parts.begin(), message.parts.end(), [&](const ChatPart& part) {
          return is_document(part) ||
                 std::any_of(part.content.begin(), part.content.end(), is_document);
        });
      });
}

Result<std::optional<ChatRequest>> with_media(const ChatRequest& request, const Target& target) {
  const Settler settler(target);
  std::optional<ChatRequest> changed;
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    if (auto checked = settler.check_sound(request.messages[i]); !checked.ok())
      return std::move(checked.error());
    if (!settler.changes(request.messages[i])) continue;
    if (!changed) changed = request;
    if (auto settled = settler.settle(changed->messages[i].parts); !settled.ok())
      return std::move(settled.error());
  }
  return changed;
}

}  // namespace redoubt::llm
