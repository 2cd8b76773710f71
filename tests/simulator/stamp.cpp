#include "stamp.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace acsim {
namespace {

constexpr Ms kHour = 3600 * 1000;

Ms utc(int year, int month, int day, int hour = 0, int minute = 0, int second = 0) {
  std::tm tm{};
  tm.tm_year = year - 1900;
  tm.tm_mon = month - 1;
  tm.tm_mday = day;
  tm.tm_hour = hour;
  tm.tm_min = minute;
  tm.tm_sec = second;
  return static_cast<Ms>(timegm(&tm)) * 1000;
}

std::tm broken(Ms at) {
  const std::time_t seconds = static_cast<std::time_t>(at / 1000);
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return tm;
}

int nthSunday(int year, int month, int nth) {
  const int weekday = broken(utc(year, month, 1)).tm_wday;
  return 1 + (7 - weekday) % 7 + 7 * (nth - 1);
}

// Daylight time runs from 2:00 standard time on March's second Sunday to 2:00
// daylight time on November's first.
struct Year {
  Ms from = 0, to = 0;  // in UTC
  Ms begins = 0, ends = 0;
};

Year yearOf(Ms at) {
  const int year = broken(at).tm_year + 1900;
  return {utc(year, 1, 1), utc(year + 1, 1, 1), utc(year, 3, nthSunday(year, 3, 2), 8),
          utc(year, 11, nthSunday(year, 11, 1), 7)};
}

Ms centralOffset(Ms at) {
  thread_local Year year;  // a page of contacts holds thousands of stamps
  if (at < year.from || at >= year.to) year = yearOf(at);
  return at >= year.begins && at < year.ends ? -5 * kHour : -6 * kHour;
}

std::string print(Ms at, const char* format) {
  const std::tm tm = broken(at + centralOffset(at));
  char text[40];
  std::strftime(text, sizeof text, format, &tm);
  return text;
}

}  // namespace

Ms nowMs() {
  using namespace std::chrono;
  static const auto wall = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
  static const auto origin = steady_clock::now();
  return (wall + duration_cast<milliseconds>(steady_clock::now() - origin)).count();
}

std::string centralStamp(Ms at) {
  return print(at, "%Y-%m-%dT%H:%M:%S") + (centralOffset(at) == -5 * kHour ? "-05:00" : "-06:00");
}

std::string centralPlain(Ms at) { return print(at, "%Y-%m-%d %H:%M:%S"); }

std::string centralDate(Ms at) { return print(at, "%Y-%m-%d"); }

std::optional<Ms> parseStamp(std::string_view view) {
  const std::string text(view);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3) return {};
  std::string rest = text.substr(static_cast<std::size_t>(used));
  if (!rest.empty()) {
    if (rest[0] != 'T' && rest[0] != ' ') return {};
    used = 0;
    if (std::sscanf(rest.c_str() + 1, "%2d:%2d%n", &hour, &minute, &used) != 2) return {};
    rest = rest.substr(1 + static_cast<std::size_t>(used));
    if (std::sscanf(rest.c_str(), ":%2d%n", &second, &used) == 1) {
      rest = rest.substr(static_cast<std::size_t>(used));
    }
    if (!rest.empty() && rest[0] == '.') {
      const std::size_t end = rest.find_first_not_of("0123456789", 1);
      rest = end == std::string::npos ? "" : rest.substr(end);
    }
  }
  const Ms plain = utc(year, month, day, hour, minute, second);
  if (rest.empty()) return plain - centralOffset(plain + 6 * kHour);
  if (rest == "Z") return plain;
  int hours = 0, minutes = 0;
  if ((rest[0] != '+' && rest[0] != '-') ||
      (std::sscanf(rest.c_str() + 1, "%2d:%2d", &hours, &minutes) != 2 &&
       std::sscanf(rest.c_str() + 1, "%2d%2d", &hours, &minutes) < 1)) {
    return {};
  }
  const Ms offset = (hours * 60 + minutes) * Ms{60 * 1000};
  return rest[0] == '-' ? plain + offset : plain - offset;
}

}  // namespace acsim
