#include "engine/strategy/opponent_model.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace redoubt;
using namespace redoubt::strategy;

namespace {

Observation rusher(double tick) {
  return {.tick = tick, .share_percent = 20, .agents = {2, 1, 0, 6}, .actions = {}};
}
Observation boomer(double tick) {
  return {.tick = tick, .share_percent = 20, .agents = {8, 2, 0, 0}, .actions = {}};
}
Observation turtler(double tick) {
  return {.tick = tick, .share_percent = 20, .agents = {4, 1, 5, 0}, .actions = {}};
}
double sum(const StyleBelief& belief) {
  return belief[0] + belief[1] + belief[2] + belief[3];
}

}  // namespace

TEST_CASE("the belief follows the evidence and stays a distribution") {
  OpponentModel model;
  for (int i = 0; i < 10; ++i) {
    model.observe(rusher(i * 30));
    CHECK(std::abs(sum(model.belief()) - 1) < 1e-9);
  }
  CHECK(model.likeliest() == Style::rush);
  CHECK(model.belief()[0] > 0.6);
}

TEST_CASE("a change of style is noticed within half a minute") {
  OpponentModel model;
  for (int i = 0; i < 100; ++i)
    model.observe(boomer(i * 30));
  CHECK(model.likeliest() == Style::boom);
  int seconds = 0;
  while (model.likeliest() != Style::turtle && seconds < 60) {
    seconds += 3;
    model.observe(turtler(3000 + seconds * 10));
  }
  CHECK(seconds <= 30);
}

TEST_CASE("evidence fades when nothing is seen") {
  OpponentModel model;
  model.observe(boomer(0));
  const double before = model.belief()[1];
  model.observe({.tick = 3000, .share_percent = -1, .agents = {-1, -1, -1, -1}, .actions = {}});
  CHECK(model.belief()[1] < before);
  CHECK(std::abs(model.belief()[1] - style_prior_at(300)[1]) < 0.02);
}

TEST_CASE("no evidence makes it surer than the chance of another style leaves") {
  OpponentModel model;
  for (int tick = 0; tick < 1200; tick += 50)
    model.observe({.tick = static_cast<double>(tick),
                   .share_percent = 20,
                   .agents = {2, 1, 0, 6},
                   .actions = {5, 0, 0, 0}});
  CHECK(model.belief()[0] > 0.9);
  CHECK(told(model.belief()[0]) > 0.8);
  CHECK(told(model.belief()[0]) < 1 - other_share * 0.7);
}

TEST_CASE("a rush ends with the early phase, however many attackers there are") {
  OpponentModel model;
  for (int tick = 0; tick < 1200; tick += 50)
    model.observe(rusher(tick));
  CHECK(model.belief()[0] > 0.6);
  for (int tick = 1200; tick < 4200; tick += 50)
    model.observe(rusher(tick));
  CHECK(model.belief()[0] < 0.15);
  // Nor does who meets them late take them for one.
  OpponentModel late;
  late.observe(rusher(4000));
  CHECK(late.belief()[0] < 0.15);
  CHECK(std::abs(sum(late.belief()) - 1) < 1e-9);
}

TEST_CASE("observing often does not count the same evidence often") {
  OpponentModel often;
  OpponentModel seldom;
  for (int tick = 0; tick <= 60; ++tick)
    often.observe(rusher(tick));
  for (int tick = 0; tick <= 60; tick += 30)
    seldom.observe(rusher(tick));
  CHECK(std::abs(often.belief()[0] - seldom.belief()[0]) < 0.2);
}

TEST_CASE("a saved model goes on identically and bad bytes are refused") {
  OpponentModel model;
  model.observe(rusher(0));
  model.observe(rusher(40));
  ByteWriter out;
  model.save(out);
  const std::string bytes = out.take();
  OpponentModel copy;
  ByteReader in(bytes);
  REQUIRE(copy.restore(in));
  model.observe(boomer(90));
  copy.observe(boomer(90));
  CHECK(model.belief() == copy.belief());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader shorter(std::string_view(bytes).substr(0, cut));
    CHECK(!copy.restore(shorter));
  }
  std::string wrong = bytes;
  wrong[7] = '\x7f';
  ByteReader in_wrong(wrong);
  CHECK(!copy.restore(in_wrong));
}
