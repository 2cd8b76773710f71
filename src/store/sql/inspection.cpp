#include "store/sql/inspection.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "store/sql/migrator.h"

namespace mbr::store::sql {
namespace {

std::int64_t sizeOf(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

// SQLite would make a file that is missing, and fail with little to say on one that is closed.
Outcome checkAccess(const std::string& path) {
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) == 0) return Done{};
  const int number = errno;
  if (number == ENOENT || number == ENOTDIR) {
    return Error{Code::kNotFound, "store: there is no file " + path};
  }
  const bool denied = number == EACCES || number == EPERM || number == EROFS;
  return Error{
      denied ? Code::kDenied : Code::kUnavailable,
      "store: cannot read and write " + path + ": " + std::generic_category().message(number)};
}

std::string damageOf(Connection& db) {
  std::string damage;
  db.query("PRAGMA quick_check(5)", {}, [&](Row& row) {
    const std::string line = row.text();
    if (line != "ok") damage += (damage.empty() ? "" : "; ") + line;
  });
  return damage;
}

}  // namespace

Result<FileReport> inspect(const std::string& path, bool thorough, Milliseconds busyTimeout) {
  if (const Outcome access = checkAccess(path); !access) return access.error();
  FileReport report;
  report.bytes = sizeOf(path);
  report.walBytes = sizeOf(path + "-wal");
  report.newest = static_cast<std::int64_t>(sqliteMigrations().size());
  try {
    Connection db(path, busyTimeout);
    const auto version = schemaOf(db);
    if (!version) return version.error();
    report.schema = *version;
    if (thorough) report.damage = damageOf(db);
    return report;
  } catch (const Corrupt& corrupt) {
    return Error{Code::kInvalid, corrupt.error().detail};
  } catch (const Failed& failed) {
    return failed.error();
  }
}

}  // namespace mbr::store::sql
