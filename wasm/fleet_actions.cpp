#include "wasm/fleet_actions.hpp"

#include <variant>

#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::wasm {
namespace {

namespace action = workflow::action;
using workflow::RunKey;
using workflow::RunRef;

/// Writes each action as an object.
class Writer {
 public:
  explicit Writer(workflow::Fleet& fleet) : fleet_(fleet) {}

  void operator()(const action::Store& order) {
    using How = action::Store::How;
    begin("store", order.run);
    number("endedAt", order.record.ended_ms);
    piece(order.frames);
    flag("rests", order.rests);
    if (order.how == How::append) return end();
    flag("replaces", order.how == How::replace);
    text("workflow", order.record.workflow);
    text("sha256", hex64(fleet_.find(order.run.key)->definition()->hash));
    text("definition", order.record.definition);
    number("startedAt", order.record.started_ms);
    end();
  }
  void operator()(const action::Load& order) { only("load", order.run); }
  void operator()(const action::Release& order) { only("release", {order.run, 0}); }
  void operator()(const action::Erase& order) { only("erase", {order.run, 0}); }
  void operator()(const action::ReadHistory& order) { only("readHistory", order.run); }
  void operator()(const action::ReadEpochs& order) { only("readEpochs", order.run); }

  void operator()(const action::Begin& order) {
    const workflow::Effect& effect = order.effect;
    begin("begin", order.run);
    out_.json += ",\"effect\":{\"id\":";
    write_canonical_text(effect.id, out_.json);
    text("key", effect.key);
    text("kind", workflow::name_of(effect.kind));
    text("class", workflow::name_of(effect.effect_class));
    text("target", effect.target);
    json("request", effect.request);
    number("attempt", effect.attempt);
    number("deadline", effect.deadline_ms);
    out_.json += '}';
    end();
  }
  void operator()(const action::Withdraw& order) {
    begin("withdraw", order.run);
    text("effect", order.effect);
    end();
  }

  void operator()(const action::Tell& answer) {
    out_.json += "{\"do\":\"tell\"";
    number("call", static_cast<std::int64_t>(answer.call));
    if (!answer.said)
      error(answer.said.error());
    else if (const std::string& said = **answer.said; said.starts_with('{'))
      json("view", said);
    else
      piece(said);  // a bundle, which begins with its own mark, or nothing
    end();
  }
  void operator()(const action::Changed& changed) {
    if (!fleet_.find(changed.run)) return;
    begin("changed", {changed.run, 0});
    json("view", *fleet_.view(changed.run));
    end();
  }
  void operator()(const action::Left& left) {
    begin("left", left.run);
    number("wakeAt", left.wake_ms);
    end();
  }
  void operator()(const action::Wake& wake) {
    out_.json += "{\"do\":\"wake\"";
    number("at", wake.at_ms);
    end();
  }
  // Nobody looks at them here: views tell what came of a run.
  void operator()(const action::Show&) {}
  void operator()(const action::Fault&) {}

  ActionsText written() && {
    if (out_.json.size() > 1) out_.json.pop_back();  // the last one's comma
    out_.json += ']';
    return std::move(out_);
  }

 private:
  void begin(const char* what, const RunRef& run) {
    out_.json += "{\"do\":\"";
    out_.json += what;
    out_.json += "\",\"id\":";
    write_canonical_text(run.key.id, out_.json);
    number("serial", static_cast<std::int64_t>(run.serial));
  }
  void end() { out_.json += "},"; }
  void only(const char* what, const RunRef& run) {
    begin(what, run);
    end();
  }
  void name(const char* member) {
    out_.json += ",\"";
    out_.json += member;
    out_.json += "\":";
  }
  void number(const char* member, std::int64_t value) {
    name(member);
    Piece(value).append_to(out_.json);
  }
  void flag(const char* member, bool value) {
    name(member);
    out_.json += value ? "true" : "false";
  }
  void text(const char* member, std::string_view value) {
    name(member);
    write_canonical_text(value, out_.json);
  }
  void json(const char* member, std::string_view value) {
    name(member);
    out_.json += value.empty() ? "null" : value;
  }
  void piece(std::string_view bytes) {
    number("bytes", static_cast<std::int64_t>(bytes.size()));
    out_.bytes += bytes;
  }
  void error(const Error& error) {
    name("error");
    out_.json += "{\"code\":";
    write_canonical_text(error.code, out_.json);
    text("message", error.message);
    text("path", error.path);
    text("expected", error.expected);
    text("got", error.got);
    out_.json += '}';
  }

  workflow::Fleet& fleet_;
  ActionsText out_{"[", {}};
};

}  // namespace

ActionsText text_of(const std::vector<workflow::Action>& actions, workflow::Fleet& fleet) {
  Writer writer(fleet);
  for (const workflow::Action& one : actions)
    std::visit(writer, one);
  return std::move(writer).written();
}

}  // namespace redoubt::wasm
