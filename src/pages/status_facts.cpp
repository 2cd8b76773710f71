#include "pages/status_facts.h"

#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

#include "base/time_format.h"

namespace mbr::pages {
namespace {

std::string whole(std::int64_t number) { return std::to_string(number); }

std::string rounded(double number) { return whole(std::llround(number)); }

std::string seconds(double number) {
  char text[32];
  std::snprintf(text, sizeof text, number < 1 ? "%.3f s" : "%.1f s", number);
  return text;
}

void addTotals(Facts& facts, const std::string& span, const Totals& totals) {
  for (const auto& [name, value] : totals) {
    const bool isDuration = name == series::kMedian || name == series::kSlowest;
    std::string key = span;
    key.append(".").append(name);
    facts[key] = {isDuration ? seconds(value) : rounded(value)};
  }
}

void addLanes(Facts& facts, const StatusBoard& board) {
  std::int64_t open = 0;
  std::int64_t dead = 0;
  for (int i = 0; i < kLaneCount; ++i) {
    const auto& lane = board.lanes.at(static_cast<std::size_t>(i));
    const std::string name = "lane." + std::string(toString(static_cast<Lane>(i))) + ".";
    facts[name + "waiting"] = {whole(lane.waiting)};
    facts[name + "queued"] = {whole(lane.queued)};
    facts[name + "running"] = {whole(lane.running)};
    facts[name + "dead"] = {whole(lane.dead)};
    open += lane.open();
    dead += lane.dead;
  }
  facts["open_jobs"] = {whole(open)};
  facts["dead_jobs"] = {whole(dead)};
}

Text wordsOf(StatusBoard::Account account) {
  switch (account) {
    case StatusBoard::Account::kDown:
      return Text::kStatusAccountDown;
    case StatusBoard::Account::kRefused:
      return Text::kStatusAccountRefused;
    case StatusBoard::Account::kWorks:
      break;
  }
  return Text::kStatusAccountWorks;
}

json::Array render(const Line& line) {
  json::Array values;
  values.reserve(line.size());
  for (const auto& value : line) {
    json::Value& rendered = values.emplace_back();
    if (value) rendered = *value;
  }
  return values;
}

}  // namespace

std::string readableTime(Instant instant) {
  std::string text = formatRfc3339(instant).substr(0, 16);  // to the minute
  text[10] = ' ';
  return text + " UTC";
}

Facts factsOf(const StatusBoard& board, const Layout& layout) {
  Facts facts;
  const auto time = [&](const char* name, const std::optional<Instant>& instant) {
    facts[name] = {instant ? readableTime(*instant) : layout.words(Text::kStatusNever), true,
                   instant};
  };
  facts["account"] = {layout.words(wordsOf(board.account))};
  facts["contacts"] = {whole(board.contacts)};
  facts["gaps"] = {whole(static_cast<std::int64_t>(board.gaps.size()))};
  facts["version"] = {board.version};
  time("last_automation", board.lastAutomation);
  time("last_event", board.lastEvent);
  time("last_pass", board.lastSweep ? std::optional(board.lastSweep->startedAt) : std::nullopt);
  time("started_at", board.startedAt);
  if (board.frozenUntil) time("frozen_until", board.frozenUntil);
  addLanes(facts, board);
  addTotals(facts, "hour", board.hour);
  addTotals(facts, "day", board.day);
  addTotals(facts, "week", board.week);
  return facts;
}

std::vector<std::string_view> concernsOf(const StatusBoard& board) {
  std::vector<std::string_view> names;
  if (board.account == StatusBoard::Account::kDown) names.emplace_back("down");
  if (board.account == StatusBoard::Account::kRefused) names.emplace_back("refused");
  // What only the clock asks for is no loss.
  for (const Gap& gap : board.gaps) {
    if (gap.why == gap_reason::kInterval || gap.why == gap_reason::kFullDue) continue;
    names.emplace_back("missing");
    break;
  }
  const auto dead = std::accumulate(
      board.lanes.begin(), board.lanes.end(), std::int64_t{0},
      [](std::int64_t sum, const StatusBoard::LaneJobs& lane) { return sum + lane.dead; });
  if (dead > 0) names.emplace_back("given_up");
  if (names.empty()) names.emplace_back("well");
  return names;
}

json::Object statusData(const StatusBoard& board, const StatusHistory& history,
                        const Layout& layout) {
  json::Object lines;
  for (const auto& [name, line] : history.lines) lines.set(name, render(line));
  json::Object facts;
  for (const auto& [name, fact] : factsOf(board, layout)) {
    facts.set(name, fact.time ? formatRfc3339(*fact.time) : fact.text);
  }
  json::Array concerns;
  for (const auto name : concernsOf(board)) concerns.emplace_back(name);
  return json::Object{{"from", toEpochMs(history.from)},
                      {"step", static_cast<std::int64_t>(history.step.count())},
                      {"limit", board.rate},
                      {"series", std::move(lines)},
                      {"facts", std::move(facts)},
                      {"concerns", std::move(concerns)}};
}

}  // namespace mbr::pages
