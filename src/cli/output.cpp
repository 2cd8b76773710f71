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

constexpr std::string_view kColours[] = {"\x1b[0m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"};

// The colour that `text` begins with; "" if it is none of ours.
std::string_view colourAt(std::string_view text) {
  for (const std::string_view colour : kColours) {
    if (text.substr(0, colour.size()) == colour) return colour;
  }
  return {};
}

// How many bytes the control character takes that `text` begins with: one of ASCII, or U+0080 to
// U+009F; 0 if it begins with none.
std::size_t commandAt(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  if (byte < 0x20 || byte == 0x7f) return 1;
  const bool second = byte == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
  return second ? 2 : 0;
}

std::string withoutCommands(std::string_view text, bool keepColours) {
  std::string clean;
  while (!text.empty()) {
    const std::string_view colour = keepColours ? colourAt(text) : std::string_view();
    const std::size_t command = colour.empty() ? commandAt(text) : 0;
    if (command > 0) {
      clean.push_back('?');
      text.remove_prefix(command);
      continue;
    }
    const std::size_t taken = std::max<std::size_t>(colour.size(), 1);
    clean += text.substr(0, taken);
    text.remove_prefix(taken);
  }
  return clean;
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

std::string printable(std::string_view text) { return withoutCommands(text, false); }

std::string painted(Tone tone, const std::string& text) {
  if (tone == Tone::kPlain || !inColour()) return printable(text);
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
  return std::string("\x1b[") + code + "m" + printable(text) + "\x1b[0m";
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
      std::cout << withoutCommands(row[i], true);
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
