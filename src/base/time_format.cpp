#include "base/time_format.h"

#include <cstdio>
#include <ctime>

namespace mbr {
namespace {

// Reads exactly `digits` digits from the front of `text` into `value`.
bool takeNumber(std::string_view& text, int digits, int& value) {
  if (text.size() < static_cast<std::size_t>(digits)) return false;
  value = 0;
  for (int i = 0; i < digits; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(static_cast<std::size_t>(digits));
  return true;
}

bool takeOneOf(std::string_view& text, std::string_view choices, char* taken = nullptr) {
  if (text.empty() || choices.find(text.front()) == std::string_view::npos) return false;
  if (taken != nullptr) *taken = text.front();
  text.remove_prefix(1);
  return true;
}

// Takes the digits of a fraction of a second off and returns its milliseconds.
std::optional<int> takeFraction(std::string_view& text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  int ms = 0;
  int scale = 100;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    ms += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return ms;
}

int daysIn(int month, int year) {
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (month == 2) return leap ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

std::optional<int> takeOffsetMinutes(std::string_view& text) {
  char sign = 0;
  if (!takeOneOf(text, "Zz+-", &sign)) return std::nullopt;
  if (sign == 'Z' || sign == 'z') return 0;
  int hours = 0;
  int minutes = 0;
  if (!takeNumber(text, 2, hours)) return std::nullopt;
  takeOneOf(text, ":");
  if (!takeNumber(text, 2, minutes)) return std::nullopt;
  if (hours > 23 || minutes > 59) return std::nullopt;
  return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

std::string formatRfc3339(Instant instant) {
  std::int64_t ms = toEpochMs(instant);
  std::int64_t seconds = ms / 1000;
  ms %= 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  const std::time_t time = seconds;
  std::tm utc{};
  gmtime_r(&time, &utc);
  char out[80];
  std::snprintf(out, sizeof out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                static_cast<int>(ms));
  return out;
}

std::optional<Instant> parseIso8601(std::string_view text) {
  std::tm utc{};
  int year = 0;
  int month = 0;
  if (!takeNumber(text, 4, year) || !takeOneOf(text, "-") || !takeNumber(text, 2, month) ||
      !takeOneOf(text, "-") || !takeNumber(text, 2, utc.tm_mday) || !takeOneOf(text, "Tt ") ||
      !takeNumber(text, 2, utc.tm_hour) || !takeOneOf(text, ":") ||
      !takeNumber(text, 2, utc.tm_min) || !takeOneOf(text, ":") ||
      !takeNumber(text, 2, utc.tm_sec)) {
    return std::nullopt;
  }
  const auto ms = takeOneOf(text, ".,") ? takeFraction(text) : 0;
  const auto offset = takeOffsetMinutes(text);
  if (!ms || !offset || !text.empty()) return std::nullopt;
  if (year < 1970 || month < 1 || month > 12 || utc.tm_mday < 1 ||
      utc.tm_mday > daysIn(month, year) || utc.tm_hour > 23 || utc.tm_min > 59 || utc.tm_sec > 60) {
    return std::nullopt;
  }
  utc.tm_year = year - 1900;
  utc.tm_mon = month - 1;
  const std::int64_t seconds = static_cast<std::int64_t>(timegm(&utc)) - *offset * 60;
  return fromEpochMs(seconds * 1000 + *ms);
}

}  // namespace mbr
