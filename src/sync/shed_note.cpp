#include "sync/shed_note.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace mbr::sync {
namespace {

constexpr std::array<std::string_view, 8> kStatuses{"400", "408", "413", "429",
                                                    "499", "502", "503", "504"};
constexpr std::chrono::seconds kBefore{1};

// What follows `key` in the text; nothing without it. nginx escapes the quotes within values, so a
// quoted name can only be a key.
std::optional<std::string_view> after(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  return text.substr(at + key.size());
}

std::optional<std::string_view> textOf(std::string_view json, std::string_view key) {
  const auto rest = after(json, key);
  if (!rest || rest->empty() || rest->front() != '"') return std::nullopt;
  const auto end = rest->find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return rest->substr(1, end - 1);
}

// "1700000000.123", whole as $msec writes it: a number that was cut off is another number.
std::optional<Instant> readTime(std::string_view text) {
  constexpr std::size_t kLongest = 11;  // digits of the seconds
  std::int64_t seconds = 0;
  std::int64_t millis = 0;
  const char* const end = text.data() + text.size();
  const auto whole = std::from_chars(text.data(), end, seconds);
  if (whole.ec != std::errc() || whole.ptr == end || *whole.ptr != '.' || seconds < 0) return {};
  if (static_cast<std::size_t>(whole.ptr - text.data()) > kLongest) return {};
  const char* const fraction = whole.ptr + 1;
  const auto rest = std::from_chars(fraction, end, millis);
  if (rest.ec != std::errc() || rest.ptr != fraction + 3 || millis < 0) return {};
  return fromEpochMs(seconds * 1000 + millis);
}

}  // namespace

ShedNote readShedNote(std::string_view datagram) {
  ShedNote note;
  note.status = "other";
  const auto begin = datagram.find('{');
  if (begin == std::string_view::npos) return note;
  const std::string_view json = datagram.substr(begin);
  const auto event = textOf(json, "\"ev\":");
  if (!event) return note;
  if (*event != "shed") {
    note.kind = ShedNote::Kind::kForeign;
    return note;
  }
  note.kind = ShedNote::Kind::kShed;
  if (const auto time = after(json, "\"t\":")) note.at = readTime(*time);
  if (const auto status = textOf(json, "\"status\":")) {
    const auto known = std::find(kStatuses.begin(), kStatuses.end(), *status);
    if (known != kStatuses.end()) note.status = *known;
  }
  return note;
}

void ShedTally::add(const ShedNote& note, Instant now) {
  ++notes;
  Instant at = note.at.value_or(now);
  if (at < now - kShedTimeOff || at > now + kShedTimeOff) at = now;
  cover(at - kBefore, std::max(at, now));
}

void ShedTally::cover(Instant first, Instant last) {
  from = from ? std::min(*from, first) : first;
  to = to ? std::max(*to, last) : last;
}

void ShedTally::merge(const ShedTally& other) {
  notes += other.notes;
  if (!other.empty()) cover(*other.from, *other.to);
}

}  // namespace mbr::sync
