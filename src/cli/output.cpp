#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string_view>

#include "base/time_format.h"
#include "cli/exit_code.h"

namespace mbr::cli {

namespace {

bool inColour() {
  const char* const none = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  if (none != nullptr && *none != '\0') return false;
  return outputIsTerminal() && terminal != nullptr && std::string_view(terminal) != "dumb";
}

// How many columns the text takes: colours take none, a character of UTF-8 one.
std::size_t widthOf(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size() - 1);
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++width;
    }
  }
  return width;
}

}  // namespace

bool outputIsTerminal() { return ::isatty(STDOUT_FILENO) == 1; }

void printJson(const json::Value& value) { std::cout << json::write(value) << '\n'; }

std::string painted(Tone tone, const std::string& text) {
  if (tone == Tone::kPlain || !inColour()) return text;
  const char* code = "";
  switch (tone) {
    case Tone::kPlain:
      break;
    case Tone::kGood:
      code = "32";
      break;
    case Tone::kWarning:
      code = "33";
      break;
    case Tone::kBad:
      code = "31";
      break;
    case Tone::kFaint:
      code = "2";
      break;
  }
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

std::string durationText(Milliseconds duration) {
  const std::int64_t seconds = duration.count() / 1000;
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 2 * 86400) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string timeText(const std::optional<Instant>& at, Instant now) {
  if (!at || *at == Instant{}) return "";
  if (!outputIsTerminal()) return formatRfc3339(*at);
  const std::time_t seconds = toEpochMs(*at) / 1000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::ostringstream text;
  text << std::put_time(&local, "%Y-%m-%d %H:%M:%S");
  const bool ahead = *at > now;
  const std::string age = durationText(ahead ? *at - now : now - *at);
  return text.str() + (ahead ? " (in " + age + ")" : " (" + age + " ago)");
}

json::Value timeOrNull(const std::optional<Instant>& at) {
  return at && *at != Instant{} ? json::Value(formatRfc3339(*at)) : json::Value();
}

void printTable(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows) {
  const bool forPerson = outputIsTerminal();
  std::vector<std::size_t> widths(header.size(), 0);
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], widthOf(row[i]));
    }
  };
  const auto print = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      std::cout << row[i];
      if (forPerson && !last) std::cout << std::string(widths[i] - widthOf(row[i]) + 2, ' ');
      if (!forPerson && !last) std::cout << '\t';
    }
    std::cout << '\n';
  };
  measure(header);
  for (const auto& row : rows) measure(row);
  if (forPerson) print(header);
  for (const auto& row : rows) print(row);
}

void printSecret(const std::string& sentence, const Secret& secret) {
  if (outputIsTerminal()) std::cout << sentence << "\n\n  ";
  std::cout << secret.reveal() << '\n';
  if (!std::cout.flush()) {
    throw Failure(kUnreachable,
                  "the secret could not be written to standard output; revoke it and make another");
  }
}

void warn(const std::string& sentence) { std::cerr << "membergate: warning: " << sentence << '\n'; }

}  // namespace mbr::cli
