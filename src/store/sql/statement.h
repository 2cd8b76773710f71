// A thin layer over Poco::Data's statements: arguments in, rows out.
//
// Poco's own statement for SQLite parses its SQL anew at every run, which costs ten times what a
// look-up costs. This one is prepared once: it is a StatementImpl beside Poco's, over Poco's binder
// and extractor.
#pragma once

#include <Poco/Data/AbstractBinder.h>
#include <Poco/Data/AbstractExtractor.h>
#include <Poco/Data/LOB.h>
#include <Poco/Data/Session.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/clock.h"

namespace mbr::store::sql {

// Text that is stored as a BLOB, since it may hold any byte. Empty is stored as NULL.
struct Bytes {
  explicit Bytes(const std::string& bytes) : value(bytes) {}
  const std::string& value;
};

// One argument. Borrows a std::string, which must live until the statement has run.
class Argument {
 public:
  Argument(std::nullopt_t) {}                                    // NOLINT: by intent
  Argument(Instant instant) : held_(Int{toEpochMs(instant)}) {}  // NOLINT: by intent
  Argument(const std::string& text) : held_(&text) {}            // NOLINT: by intent
  Argument(std::string_view text) : held_(std::string(text)) {}  // NOLINT: by intent
  Argument(const Bytes& bytes);                                  // NOLINT: by intent
  template <class T, std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>, int> = 0>
  Argument(T number) : held_(static_cast<Int>(number)) {}  // NOLINT: by intent
  template <class T>
  Argument(const std::optional<T>& value)  // NOLINT: by intent
      : held_(value ? Argument(*value).held_ : Held()) {}

  Argument(const Argument&) = delete;
  Argument& operator=(const Argument&) = delete;

  // Throws Failed (kInvalid) for text with a NUL, which would come back cut.
  void bind(Poco::Data::AbstractBinder& binder, std::size_t position) const;

 private:
  using Int = Poco::Int64;
  using Held = std::variant<std::monostate, Int, const std::string*, std::string, Poco::Data::BLOB>;
  Held held_;
};

using Arguments = std::initializer_list<Argument>;

// One row of a result, read column by column from the left. NULL reads as 0 or "".
class Row {
 public:
  Row(Poco::Data::AbstractExtractor& extractor, std::size_t column)
      : extractor_(extractor), column_(column) {}

  std::int64_t integer() { return maybeInteger().value_or(0); }
  std::optional<std::int64_t> maybeInteger();
  bool flag() { return integer() != 0; }
  std::string text();
  std::string bytes();
  Instant instant() { return fromEpochMs(integer()); }
  std::optional<Instant> maybeInstant();

 private:
  Poco::Data::AbstractExtractor& extractor_;
  std::size_t column_;
};

using RowFn = std::function<void(Row&)>;

// One thread at a time. After a run that threw it must not be used again.
class Statement {
 public:
  Statement(Poco::Data::Session& session, const char* sql);
  ~Statement();

  // Calls `onRow` for each row. Returns the number of rows read, or of rows changed for a statement
  // without a result. Throws what Poco throws, and what `onRow` throws.
  std::size_t run(const Arguments& arguments, const RowFn& onRow);

 private:
  class Binding;
  class Rows;
  class Prepared;

  std::unique_ptr<Prepared> prepared_;
  Binding* binding_;  // owned by prepared_
  Rows* rows_;        // owned by prepared_
};

}  // namespace mbr::store::sql
