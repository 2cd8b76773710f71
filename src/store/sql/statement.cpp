#include "store/sql/statement.h"

#include <Poco/Data/SQLite/Utility.h>
#include <sqlite3.h>

#include "store/store.h"

namespace mbr::store::sql {

int Argument::bind(sqlite3_stmt* statement, int position) const {
  switch (kind_) {
    case Kind::kNull:
      return sqlite3_bind_null(statement, position);
    case Kind::kInteger:
      return sqlite3_bind_int64(statement, position, number_);
    case Kind::kText:
      if (text_.find('\0') != std::string_view::npos) {
        throw Failed(Error{Code::kInvalid, "text for the store holds a NUL"});
      }
      return sqlite3_bind_text64(statement, position, text_.data() == nullptr ? "" : text_.data(),
                                 text_.size(), SQLITE_STATIC, SQLITE_UTF8);
    case Kind::kBlob:
      return sqlite3_bind_blob64(statement, position, text_.data(), text_.size(), SQLITE_STATIC);
  }
  return SQLITE_MISUSE;
}

std::int64_t Row::integer() { return sqlite3_column_int64(statement_, column_++); }

std::optional<std::int64_t> Row::maybeInteger() {
  if (sqlite3_column_type(statement_, column_) != SQLITE_NULL) return integer();
  ++column_;
  return std::nullopt;
}

std::optional<Instant> Row::maybeInstant() {
  const auto ms = maybeInteger();
  if (!ms) return std::nullopt;
  return fromEpochMs(*ms);
}

// Of text and BLOB alike; in this order, since asking for the text may move it.
std::string_view Row::view() {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column_));
  const int size = sqlite3_column_bytes(statement_, column_);
  ++column_;
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

Statement::Statement(sqlite3* handle, const char* sql) : handle_(handle) {
  const int code =
      sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) fail(code);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

std::size_t Statement::run(const Arguments& arguments, const RowFn& onRow) {
  bind(arguments);
  std::size_t rows = 0;
  int code = sqlite3_step(statement_);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement_)) {
    ++rows;
    if (!onRow) continue;
    Row row(statement_);
    onRow(row);
  }
  if (code != SQLITE_DONE) fail(code);
  const bool changes = rows == 0 && sqlite3_stmt_readonly(statement_) == 0;
  if (changes) rows = static_cast<std::size_t>(sqlite3_changes(handle_));
  sqlite3_reset(statement_);  // so that no read stays open
  return rows;
}

void Statement::bind(const Arguments& arguments) {
  int position = 0;
  for (const Argument& argument : arguments) {
    const int code = argument.bind(statement_, ++position);
    if (code != SQLITE_OK) fail(code);
  }
  if (position != sqlite3_bind_parameter_count(statement_)) fail(SQLITE_RANGE);
}

void Statement::fail(int code) const {
  using Lite = Poco::Data::SQLite::Utility;
  Lite::throwException(handle_, code, Lite::lastError(handle_));
  throw Failed(Error{Code::kInternal, "store: SQLite answers " + std::to_string(code)});
}

}  // namespace mbr::store::sql
