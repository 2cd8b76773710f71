#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <utility>

namespace mbr::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// The largest first, so that formatting finds the shortest text.
constexpr std::array<Unit, 5> kDurations{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 7> kSizes{{{"GiB", 1LL << 30},
                                      {"GB", 1'000'000'000},
                                      {"MiB", 1LL << 20},
                                      {"MB", 1'000'000},
                                      {"KiB", 1LL << 10},
                                      {"KB", 1000},
                                      {"B", 1}}};

// A number of at most nine digits, so that no unit makes it overflow.
template <std::size_t N>
std::optional<std::int64_t> parseWithUnit(std::string_view text, const std::array<Unit, N>& units) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parseCount(text.substr(0, digits));
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) {
    return candidate.name == text.substr(digits);
  });
  if (!number || unit == units.end()) return std::nullopt;
  return *number * unit->factor;
}

template <std::size_t N>
std::string formatWithUnit(std::int64_t number, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) {
      return std::to_string(number / unit.factor) + std::string(unit.name);
    }
  }
  return "0" + std::string(units[N - 2].name);  // 0s, 0KB
}

}  // namespace

std::optional<std::int64_t> parseCount(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::optional<Milliseconds> parseDuration(std::string_view text) {
  const auto ms = parseWithUnit(text, kDurations);
  if (!ms) return std::nullopt;
  return Milliseconds{*ms};
}

std::string formatDuration(Milliseconds duration) {
  return formatWithUnit(duration.count(), kDurations);
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
  const auto bytes = parseWithUnit(text, kSizes);
  if (!bytes) return std::nullopt;
  return static_cast<std::uint64_t>(*bytes);
}

std::string formatSize(std::uint64_t bytes) {
  return formatWithUnit(static_cast<std::int64_t>(bytes), kSizes);
}

std::optional<double> parseRate(std::string_view text) {
  if (text.size() > 2 && text.substr(text.size() - 2) == "/s") text.remove_suffix(2);
  const bool plain = !text.empty() && text.size() <= 9 && text.front() != '.' &&
                     text.back() != '.' &&
                     text.find_first_not_of("0123456789.") == std::string_view::npos;
  if (!plain) return std::nullopt;
  double rate = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, rate);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return rate;
}

std::vector<std::string> parseList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

std::optional<std::string> parsePerstag(std::string_view text) {
  if (text.empty() || text.size() > 100) return std::nullopt;
  std::string tag(text);
  for (char& c : tag) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return std::nullopt;
  }
  return tag;
}

std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace mbr::config
