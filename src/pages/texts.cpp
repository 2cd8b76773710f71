#include "pages/texts.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <utility>

#include "base/key_value_lines.h"

namespace mbr::pages {
namespace {

constexpr std::size_t kMaxBytes = 1000;

constexpr std::string_view kKeys[kTexts] = {"lang",
                                            "direction",
                                            "site_name",
                                            "email",
                                            "password",
                                            "form_refused",
                                            "unavailable",
                                            "login.title",
                                            "login.button",
                                            "login.forgotten",
                                            "login.wrong",
                                            "login.not_entitled",
                                            "login.throttled",
                                            "logout.title",
                                            "logout.button",
                                            "reset.title",
                                            "reset.intro",
                                            "reset.button",
                                            "reset.sent",
                                            "reset.login",
                                            "link.title",
                                            "link.intro",
                                            "link.password",
                                            "link.repeat",
                                            "link.button",
                                            "link.differ",
                                            "link.too_short",
                                            "link.is_email",
                                            "link.common",
                                            "link.unusable",
                                            "link.dead",
                                            "link.again",
                                            "link.done",
                                            "link.login",
                                            "status.title",
                                            "status.intro",
                                            "status.key",
                                            "status.open",
                                            "status.wrong_key",
                                            "status.well",
                                            "status.down",
                                            "status.refused",
                                            "status.missing",
                                            "status.given_up",
                                            "status.retried",
                                            "status.not_retried",
                                            "status.now",
                                            "status.account",
                                            "status.account_works",
                                            "status.account_down",
                                            "status.account_refused",
                                            "status.frozen",
                                            "status.contacts",
                                            "status.gaps",
                                            "status.jobs",
                                            "status.dead",
                                            "status.last_automation",
                                            "status.last_event",
                                            "status.last_pass",
                                            "status.since",
                                            "status.version",
                                            "status.never",
                                            "status.none",
                                            "status.sums",
                                            "status.hour",
                                            "status.hours",
                                            "status.day",
                                            "status.week",
                                            "status.quarter",
                                            "status.received",
                                            "status.shed",
                                            "status.repaired",
                                            "status.requests",
                                            "status.too_many",
                                            "status.admitted",
                                            "status.wrong",
                                            "status.not_entitled",
                                            "status.throttled",
                                            "status.busy",
                                            "status.unavailable",
                                            "status.median",
                                            "status.slowest",
                                            "status.over_time",
                                            "status.webhooks_chart",
                                            "status.queue_chart",
                                            "status.budget_chart",
                                            "status.allowed",
                                            "status.sent",
                                            "status.logins_chart",
                                            "status.latency_chart",
                                            "status.half",
                                            "status.most",
                                            "status.trouble_chart",
                                            "status.no_library",
                                            "status.no_script",
                                            "status.stale",
                                            "status.lanes",
                                            "status.lane",
                                            "status.waiting",
                                            "status.queued",
                                            "status.running",
                                            "status.gap_why",
                                            "status.gap_from",
                                            "status.gap_opened",
                                            "status.job",
                                            "status.kind",
                                            "status.tries",
                                            "status.ended",
                                            "status.reason",
                                            "status.retry",
                                            "status.search",
                                            "status.who",
                                            "status.look_up",
                                            "status.unknown",
                                            "status.cached",
                                            "status.name",
                                            "status.value",
                                            "status.credential",
                                            "status.has_password",
                                            "status.no_password",
                                            "status.deleted",
                                            "status.why",
                                            "status.check",
                                            "status.mark",
                                            "status.timeline",
                                            "status.when",
                                            "status.what",
                                            "status.back"};
static_assert(static_cast<std::size_t>(Text::kStatusBack) + 1 == kTexts);

// Of the shape of RFC 5646: subtags of 1 to 8 letters and digits by dashes, the first of letters.
bool isLanguage(std::string_view text) {
  const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  std::size_t length = 0;
  bool isFirst = true;
  for (const char c : text) {
    if (c == '-') {
      if (length == 0) return false;
      length = 0;
      isFirst = false;
    } else if (++length > 8 || !(isLetter(c) || (!isFirst && c >= '0' && c <= '9'))) {
      return false;
    }
  }
  return length > 0;
}

// What a text was expected to be, or "" if it is that.
std::string_view objectionTo(Text text, const std::string& value) {
  switch (text) {
    case Text::kLang:
      return isLanguage(value) ? "" : "expected a language like en or pt-BR";
    case Text::kDirection:
      return value == "ltr" || value == "rtl" ? "" : "expected ltr or rtl";
    case Text::kSiteName:
      break;
    default:
      if (value.empty()) return "expected a text";
  }
  return value.size() <= kMaxBytes ? "" : "expected at most 1000 bytes";
}

// Puts the lines' texts into the places of their keys. What is wrong, by line.
template <class Places>
std::map<int, std::string> fill(Places& places, std::string_view file) {
  KeyValueLines lines = parseKeyValueLines(file);
  std::map<int, std::string> problems;
  for (auto& problem : lines.problems) problems[problem.line] = std::move(problem.text);
  for (auto& [key, entry] : lines.entries) {
    const auto known = std::find(std::begin(kKeys), std::end(kKeys), key);
    const auto place = static_cast<std::size_t>(known - std::begin(kKeys));
    const std::string_view objection =
        place == kTexts ? "unknown" : objectionTo(static_cast<Text>(place), entry.value);
    if (objection.empty()) {
      places[place] = std::move(entry.value);
    } else {
      problems[entry.line] = "key `" + key + "`: " + std::string(objection);
    }
  }
  return problems;
}

}  // namespace

// A build whose own file is wrong has a test that says so.
Texts::Texts() {
  if (!fill(texts_, shippedTexts()).empty()) std::abort();
}

Result<Texts> Texts::parse(std::string_view file) {
  Texts texts;
  std::string detail;
  for (const auto& [line, problem] : fill(texts.texts_, file)) {
    detail += (detail.empty() ? "line " : "; line ") + std::to_string(line) + ": " + problem;
  }
  if (!detail.empty()) return Error{Code::kInvalid, std::move(detail)};
  return texts;
}

std::string_view keyOf(Text text) { return kKeys[static_cast<std::size_t>(text)]; }

}  // namespace mbr::pages
