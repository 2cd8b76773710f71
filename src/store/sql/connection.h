// One open database with its prepared statements.
#pragma once

#include <Poco/Data/Session.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"
#include "store/sql/statement.h"
#include "store/store.h"

struct sqlite3;

namespace mbr::store::sql {

// A statement's text. Must be a string literal: its address is the key of the prepared statement.
class Sql {
 public:
  template <std::size_t N>
  constexpr Sql(const char (&text)[N]) : text_(text) {}  // NOLINT: by intent
  const char* text() const { return text_; }

 private:
  const char* text_;
};

// The file is no database, or is damaged.
class Corrupt : public Failed {
 public:
  using Failed::Failed;
};

// One thread at a time. Calls throw Failed; after that the transaction may be gone.
class Connection {
 public:
  // Opens an existing file and sets what every session needs.
  Connection(const std::string& path, Milliseconds busyTimeout);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Returns the number of rows changed.
  std::size_t run(Sql sql, const Arguments& arguments = {});
  // Calls `onRow` for each row, which must not run the same statement. Returns the number of rows.
  std::size_t query(Sql sql, const Arguments& arguments, const RowFn& onRow);
  // The first column of the first row; 0 if there is none or it is NULL.
  std::int64_t integer(Sql sql, const Arguments& arguments = {});
  // Several statements, once.
  void runScript(const std::string& script);

  // From now on commits of this connection leave the write-ahead log as it is; see Checkpointer.
  void leaveLog();
  // How many pages the log had after the last commit of this connection; 0 if there was none since.
  int logPages() const { return logPages_; }
  // Brings home what is in the log, as far as nobody reads older pages; waits for nobody.
  void checkpoint();

  bool inTransaction() const;
  // True once the file or the machine failed it: close it and open another one.
  bool broken() const { return broken_; }

 private:
  [[noreturn]] void fail(const std::exception& exception);

  Poco::Data::Session session_;
  sqlite3* handle_;
  int logPages_ = 0;
  bool broken_ = false;
  std::unordered_map<const char*, std::unique_ptr<Statement>> statements_;
};

}  // namespace mbr::store::sql
