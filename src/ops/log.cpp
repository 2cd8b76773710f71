#include "ops/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <type_traits>

#include "base/clock.h"
#include "base/json.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace mbr::ops {
namespace {

std::atomic<LogLevel> leastLevel{LogLevel::kInfo};
std::atomic<LogFormat> lineFormat{LogFormat::kJson};

std::string_view nameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
    case LogLevel::kNone:
      return "error";
  }
  return "error";
}

std::string timeNow() {
  return formatRfc3339(
      std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now()));
}

bool isPlainWord(std::string_view text) {
  return !text.empty() && text.find_first_of(" \"\\=") == std::string_view::npos &&
         !hasControlCharacter(text) && isValidUtf8(text);
}

void appendValue(std::string& line, const LogField& field, bool bareWords) {
  std::visit(
      [&](const auto& value) {
        using Held = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Held, std::string>) {
          if (bareWords && isPlainWord(value)) {
            line += value;
          } else {
            json::appendString(line, value);
          }
        } else if constexpr (std::is_same_v<Held, bool>) {
          line += value ? "true" : "false";
        } else {
          line += std::to_string(value);
        }
      },
      field.value());
}

std::string jsonLine(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  std::string line = "{\"t\":\"" + timeNow() + "\",\"level\":\"";
  line += nameOf(level);
  line += "\",\"event\":";
  json::appendString(line, event);
  for (const LogField& field : fields) {
    line += ',';
    json::appendString(line, field.key());
    line += ':';
    appendValue(line, field, false);
  }
  line += "}\n";
  return line;
}

std::string textLine(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  std::string line = timeNow();
  line += ' ';
  line += nameOf(level);
  line += ' ';
  line += event;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key();
    line += '=';
    appendValue(line, field, true);
  }
  line += '\n';
  return line;
}

// One write(2) a line, so that lines of several threads do not mix. A log that cannot be written
// must not stop the service, so the rest of a line that did not fit is given up.
void writeLine(const std::string& line) {
  while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace

void configureLog(LogLevel level, LogFormat format) {
  leastLevel = level;
  lineFormat = format;
}

bool logs(LogLevel level) { return level >= leastLevel.load(std::memory_order_relaxed); }

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!logs(level)) return;
  const bool asJson = lineFormat.load(std::memory_order_relaxed) == LogFormat::kJson;
  writeLine(asJson ? jsonLine(level, event, fields) : textLine(level, event, fields));
}

}  // namespace mbr::ops
