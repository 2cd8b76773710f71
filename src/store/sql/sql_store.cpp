#include "store/sql/sql_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <system_error>
#include <thread>

#include "base/encoding.h"
#include "base/files.h"
#include "base/thread_role.h"
#include "ops/log.h"
#include "store/sql/migrator.h"
#include "store/sql/reader_pool.h"
#include "store/sql/sql_transaction.h"
#include "store/sql/write_scope.h"
#include "store/sql/writer.h"

namespace mbr::store::sql {
namespace {

Error fileError(const std::string& what, int number) {
  const bool denied = number == EACCES || number == EPERM || number == EROFS;
  return {denied ? Code::kDenied : Code::kUnavailable,
          "store: " + what + ": " + std::generic_category().message(number), std::nullopt};
}

// Sees to a file that this user may write and nobody else may read. SQLite gives its -wal and -shm
// the mode of the file itself.
Outcome prepareFile(const std::string& path) {
  if (path.empty() || path.front() != '/') {
    return Error{Code::kInvalid, "store: '" + path + "' is not an absolute path", std::nullopt};
  }
  const std::string folder = folderOf(path);
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0 && errno != ENOENT && errno != ENOTDIR) {
    return fileError("cannot look at " + folder, errno);
  }
  if (!S_ISDIR(status.st_mode)) {
    return Error{Code::kNotFound, "store: there is no folder " + folder, std::nullopt};
  }
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return fileError("cannot write in " + folder, errno);
  }
  // Only a new file is opened here: closing a descriptor of an open database would drop the locks
  // that this process holds on it.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return Done{};
  }
  if (errno != EEXIST) return fileError("cannot create " + path, errno);
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0) {
    return fileError("cannot read and write " + path, errno);
  }
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error{Code::kInvalid, "store: " + path + " is not a file", std::nullopt};
  }
  return Done{};
}

// Two processes that create the file together get in each other's way for a moment, and SQLite does
// not wait then.
void useWal(Connection& connection, Milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      std::string mode;
      connection.query("PRAGMA journal_mode = WAL", {}, [&](Row& row) { mode = row.text(); });
      if (mode == "wal") return;
      throw Failed(Error{Code::kUnavailable, "store: no WAL on this file system", std::nullopt});
    } catch (const Failed&) {
      if (connection.broken() || std::chrono::steady_clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(Milliseconds{20});
  }
}

[[noreturn]] void abortWith(const char* message) {
  std::fprintf(stderr, "membergate: %s\n", message);
  std::abort();
}

}  // namespace

Result<std::string> sqlitePath(std::string_view url) {
  constexpr std::string_view kScheme = "sqlite://";
  const bool plain = url.find_first_of("?#") == std::string_view::npos;
  if (url.substr(0, kScheme.size()) == kScheme && plain) {
    auto path = percentDecode(url.substr(kScheme.size()), false);
    const bool absolute = path && path->size() > 1 && path->front() == '/' && path->back() != '/';
    if (absolute && path->find('\0') == std::string::npos) return std::move(*path);
  }
  return Error{Code::kInvalid, "expected sqlite:///absolute/path/of/the.db", std::nullopt};
}

struct SqlStore::Parts {
  Parts(const Options& options, const Clock& clock, std::unique_ptr<Connection> connection)
      : readers(options.path, options.readers, options.busyTimeout, options.readerWait),
        writer(options, clock, std::move(connection)) {}

  Outcome submitAndWait(Work work, Writer::Turn turn) {
    if (isFastWorker()) abortWith("a write that waits on a fast worker, which must not");
    if (writer.isThisThread()) abortWith("a write that waits on the writer's own thread");
    std::promise<Outcome> promise;
    auto outcome = promise.get_future();
    writer.submit(
        std::move(work), [&](Outcome result) { promise.set_value(std::move(result)); }, turn);
    return outcome.get();
  }

  ReaderPool readers;  // outlives the writer, whose pieces may read
  Writer writer;
};

SqlStore::SqlStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

SqlStore::~SqlStore() = default;

Result<std::unique_ptr<SqlStore>> SqlStore::open(const Options& options, const Clock& clock) {
  if (auto prepared = prepareFile(options.path); !prepared) return prepared.error();
  try {
    auto connection = std::make_unique<Connection>(options.path, options.busyTimeout);
    useWal(*connection, options.busyTimeout);
    if (auto migrated = migrate(*connection, clock.now()); !migrated) return migrated.error();
    auto parts = std::make_unique<Parts>(options, clock, std::move(connection));
    return std::unique_ptr<SqlStore>(new SqlStore(std::move(parts)));
  } catch (const Corrupt& corrupt) {
    return Error{Code::kInvalid, corrupt.error().detail, std::nullopt};
  } catch (const Failed& failed) {
    return failed.error();
  }
}

void SqlStore::submit(Work work, DoneFn done) {
  parts_->writer.submit(std::move(work), std::move(done), Writer::Turn::kInOrder);
}

void SqlStore::submitAhead(Work work, DoneFn done) {
  parts_->writer.submit(std::move(work), std::move(done), Writer::Turn::kAhead);
}

Outcome SqlStore::write(Work work) {
  return parts_->submitAndWait(std::move(work), Writer::Turn::kBehind);
}

Outcome SqlStore::writeAhead(Work work) {
  return parts_->submitAndWait(std::move(work), Writer::Turn::kAhead);
}

Outcome SqlStore::read(const ReadWork& work) {
  try {
    auto loan = parts_->readers.take();
    Connection& connection = loan.connection();
    connection.run("BEGIN");
    // Ends the view; nothing was written.
    struct End {
      ~End() { WriteScope::rollback(connection); }
      Connection& connection;
    } end{connection};
    SqlReader reader(connection);
    return work(reader);
  } catch (const Failed& failed) {
    return failed.error();
  } catch (const std::exception& exception) {
    ops::logError("store_read_failed", {{"error", exception.what()}});
    return Error{Code::kInternal, "store: the work threw", std::nullopt};
  }
}

void SqlStore::subscribe(Listener listener) { parts_->writer.subscribe(std::move(listener)); }

}  // namespace mbr::store::sql
