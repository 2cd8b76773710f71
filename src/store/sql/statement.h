// A prepared statement: arguments in, rows out.
//
// Sessions are Poco::Data's; its own statement for SQLite parses its SQL anew at every run, which
// costs ten times what a look-up costs. This one is prepared once, on the session's handle, and
// binds and reads without a copy.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/clock.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mbr::store::sql {

// Text that is stored as a BLOB, since it may hold any byte. Empty is stored as NULL.
struct Bytes {
  explicit Bytes(const std::string& bytes) : value(bytes) {}
  const std::string& value;
};

// One argument. Borrows its text, which must live until the statement has run.
class Argument {
 public:
  Argument(std::nullopt_t) {}  // NOLINT: by intent
  Argument(Instant instant)    // NOLINT: by intent
      : kind_(Kind::kInteger), number_(toEpochMs(instant)) {}
  Argument(const std::string& text) : kind_(Kind::kText), text_(text) {}  // NOLINT: by intent
  Argument(std::string_view text) : kind_(Kind::kText), text_(text) {}    // NOLINT: by intent
  Argument(const char* text) : kind_(Kind::kText), text_(text) {}         // NOLINT: by intent
  Argument(const Bytes& bytes)                                            // NOLINT: by intent
      : kind_(bytes.value.empty() ? Kind::kNull : Kind::kBlob), text_(bytes.value) {}
  template <class T, std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>, int> = 0>
  Argument(T number)  // NOLINT: by intent
      : kind_(Kind::kInteger), number_(static_cast<std::int64_t>(number)) {}
  template <class T>
  Argument(const std::optional<T>& value)  // NOLINT: by intent
      : Argument(value ? Argument(*value) : Argument(std::nullopt)) {}

  // Returns SQLite's code. Throws Failed (kInvalid) for text with a NUL, which would come back cut.
  int bind(sqlite3_stmt* statement, int position) const;

 private:
  enum class Kind { kNull, kInteger, kText, kBlob };
  Kind kind_ = Kind::kNull;
  std::int64_t number_ = 0;
  std::string_view text_;
};

using Arguments = std::initializer_list<Argument>;

// One row of a result, read column by column from the left. NULL reads as 0 or "".
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}

  std::int64_t integer();
  std::optional<std::int64_t> maybeInteger();
  bool flag() { return integer() != 0; }
  std::string text() { return std::string(view()); }
  std::string bytes() { return std::string(view()); }
  // The same without a copy, good until the next row.
  std::string_view view();
  Instant instant() { return fromEpochMs(integer()); }
  std::optional<Instant> maybeInstant();

 private:
  sqlite3_stmt* statement_;
  int column_ = 0;
};

using RowFn = std::function<void(Row&)>;

// One thread at a time. After a run that threw it must not be used again.
class Statement {
 public:
  // `handle` must outlive the statement. Throws Poco's exception of SQLite's code.
  Statement(sqlite3* handle, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Calls `onRow`, if there is one, for each row. Returns the number of rows read, or of rows
  // changed for a statement without a result. Throws as the constructor, and what `onRow` throws.
  std::size_t run(const Arguments& arguments, const RowFn& onRow);

 private:
  void bind(const Arguments& arguments);
  [[noreturn]] void fail(int code) const;

  sqlite3* handle_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace mbr::store::sql
