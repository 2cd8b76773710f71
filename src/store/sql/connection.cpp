#include "store/sql/connection.h"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/SQLite/Utility.h>
#include <sqlite3.h>

#include <mutex>

namespace mbr::store::sql {
namespace {

namespace lite = Poco::Data::SQLite;

template <class... Kinds>
bool isOneOf(const std::exception& exception) {
  return (... || (dynamic_cast<const Kinds*>(&exception) != nullptr));
}

// Messages of SQLite name tables and columns, never values.
Error toError(const std::exception& exception) {
  const auto* poco = dynamic_cast<const Poco::Exception*>(&exception);
  std::string detail = "store: " + (poco != nullptr ? poco->displayText() : exception.what());
  if (isOneOf<lite::DBLockedException, lite::TableLockedException>(exception)) {
    return {Code::kUnavailable, "store: another process holds the database",
            std::chrono::seconds{1}};
  }
  if (isOneOf<lite::ConstraintViolationException>(exception)) {
    return {Code::kConflict, std::move(detail)};
  }
  const bool misuse =
      isOneOf<lite::InvalidSQLStatementException, lite::ParameterCountMismatchException,
              lite::InvalidLibraryUseException, lite::DataTypeMismatchException>(exception);
  if (misuse || !isOneOf<Poco::Data::DataException>(exception)) {
    return {Code::kInternal, std::move(detail)};
  }
  return {Code::kUnavailable, std::move(detail)};
}

Poco::Data::Session openSession(const std::string& path) try {
  static std::once_flag registered;
  std::call_once(registered, [] {
    // A session is one thread's at a time, so its calls need no locks; nor need allocations be
    // counted, which takes one for the whole process.
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    lite::Connector::registerConnector();
  });
  return {lite::Connector::KEY, path};
} catch (const Poco::Exception& exception) {
  throw Failed(Error{Code::kUnavailable, "store: cannot open: " + exception.displayText()});
}

}  // namespace

Connection::Connection(const std::string& path, Milliseconds busyTimeout)
    : session_(openSession(path)), handle_(lite::Utility::dbHandle(session_)) {
  sqlite3_busy_timeout(handle_, static_cast<int>(busyTimeout.count()));
  run("PRAGMA trusted_schema = OFF");
  run("PRAGMA synchronous = FULL");
  run("PRAGMA secure_delete = ON");
  run("PRAGMA wal_autocheckpoint = 250");
  run("PRAGMA journal_size_limit = 16777216");
}

std::size_t Connection::run(Sql sql, const Arguments& arguments) {
  static const RowFn kNoRows;
  return query(sql, arguments, kNoRows);
}

std::size_t Connection::query(Sql sql, const Arguments& arguments, const RowFn& onRow) {
  auto& prepared = statements_[sql.text()];
  try {
    if (!prepared) prepared = std::make_unique<Statement>(handle_, sql.text());
    return prepared->run(arguments, onRow);
  } catch (const Failed&) {
    prepared.reset();
    throw;
  } catch (const std::exception& exception) {
    prepared.reset();
    fail(exception);
  }
}

std::int64_t Connection::integer(Sql sql, const Arguments& arguments) {
  std::int64_t value = 0;
  query(sql, arguments, [&](Row& row) { value = row.integer(); });
  return value;
}

void Connection::runScript(const std::string& script) {
  char* message = nullptr;
  if (sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, &message) == SQLITE_OK) return;
  const std::string detail = message != nullptr ? message : "unknown";
  sqlite3_free(message);
  throw Failed(Error{Code::kUnavailable, "store: script: " + detail});
}

void Connection::leaveLog() {
  const auto note = [](void* connection, sqlite3*, const char*, int pages) {
    static_cast<Connection*>(connection)->logPages_ = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_, note, this);  // in the place of the one that makes checkpoints
}

void Connection::checkpoint() {
  // Another one at work is none of our business.
  query("PRAGMA wal_checkpoint(PASSIVE)", {}, [](Row&) {});
}

bool Connection::inTransaction() const { return sqlite3_get_autocommit(handle_) == 0; }

void Connection::fail(const std::exception& exception) {
  broken_ =
      broken_ ||
      isOneOf<lite::IOErrorException, lite::CorruptImageException, lite::CantOpenDBFileException,
              lite::NoMemoryException, lite::InternalDBErrorException, lite::LockProtocolException>(
          exception);
  if (isOneOf<lite::CorruptImageException>(exception)) throw Corrupt(toError(exception));
  throw Failed(toError(exception));
}

}  // namespace mbr::store::sql
