// Structured log: one event a line on stderr, as JSON or as text for a terminal.
//
// Only values that are safe to show may be logged: ids, counts, codes, durations. A Secret does not
// convert, and personal data (e-mail, names, field values) is never passed; where an e-mail must be
// told apart, log its keyed digest.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mbr::ops {

enum class LogLevel {
  kDebug,
  kInfo,
  kWarning,
  kError,
  kNone,  // for commands, which say themselves what went wrong
};
enum class LogFormat { kJson, kText };

class LogField {
 public:
  LogField(std::string_view key, std::string_view text) : key_(key), value_(std::string(text)) {}
  LogField(std::string_view key, const char* text) : key_(key), value_(std::string(text)) {}
  LogField(std::string_view key, const std::string& text) : key_(key), value_(text) {}
  LogField(std::string_view key, bool flag) : key_(key), value_(flag) {}
  template <class Integer, std::enable_if_t<std::is_integral_v<Integer>, int> = 0>
  LogField(std::string_view key, Integer number)
      : key_(key), value_(static_cast<std::int64_t>(number)) {}

  std::string_view key() const { return key_; }
  const std::variant<std::string, bool, std::int64_t>& value() const { return value_; }

 private:
  std::string_view key_;
  std::variant<std::string, bool, std::int64_t> value_;
};

// Set once, before the first thread.
void configureLog(LogLevel level, LogFormat format);

// Whether events of that level are logged: asked first where making the fields costs.
bool logs(LogLevel level);

// Thread-safe; a line is written whole. `event` is a stable word with underscores
// ("delivery_refused"), never a sentence.
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

inline void logDebug(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kDebug, event, fields);
}
inline void logInfo(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kInfo, event, fields);
}
inline void logWarning(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kWarning, event, fields);
}
inline void logError(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kError, event, fields);
}

}  // namespace mbr::ops
