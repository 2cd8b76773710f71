// What SqlStore::open accepts and refuses, and the files it makes.
#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "store/sql/connection.h"
#include "store/sql/inspection.h"
#include "store/sql/sql_store.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace mbr::test {
namespace {

using store::sql::Connection;
using store::sql::sqlitePath;
using store::sql::SqlStore;

class SqliteOpenTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SqliteOpenTest);
  CPPUNIT_TEST(aUrlNamesAnAbsolutePath);
  CPPUNIT_TEST(everyFileIsForTheOwnerAlone);
  CPPUNIT_TEST(noWalIsLeftBehind);
  CPPUNIT_TEST(theLogBeginsAnewUnderLoad);
  CPPUNIT_TEST(aMissingFolderIsNamed);
  CPPUNIT_TEST(aFolderWithoutAccessIsDenied);
  CPPUNIT_TEST(aRelativePathIsRefused);
  CPPUNIT_TEST(aFileThatIsNoDatabaseIsRefused);
  CPPUNIT_TEST(aDamagedFileIsRefused);
  CPPUNIT_TEST(aNewerSchemaIsRefused);
  CPPUNIT_TEST(anotherProgramsDatabaseIsRefusedAndLeftAlone);
  CPPUNIT_TEST(aMigrationIsRecordedOnce);
  CPPUNIT_TEST(severalMayCreateTheFileAtOnce);
  CPPUNIT_TEST(anInspectionTellsTheSchemaAndMakesNoFile);
  CPPUNIT_TEST(anInspectionFindsDamageInTheMiddle);
  CPPUNIT_TEST_SUITE_END();

  std::string path() const { return dir_.file("membergate.db"); }

  Result<std::unique_ptr<SqlStore>> open(const std::string& where) {
    SqlStore::Options options;
    options.path = where;
    options.busyTimeout = Milliseconds{2000};
    return SqlStore::open(options, clock_);
  }

  Code refusal(const std::string& where) {
    const auto opened = open(where);
    CPPUNIT_ASSERT(!opened);
    CPPUNIT_ASSERT(!opened.error().detail.empty());
    return opened.error().code;
  }

  void aUrlNamesAnAbsolutePath() {
    CPPUNIT_ASSERT_EQUAL(std::string("/var/lib/m.db"),
                         sqlitePath("sqlite:///var/lib/m.db").value());
    CPPUNIT_ASSERT_EQUAL(std::string("/a b.db"), sqlitePath("sqlite:///a%20b.db").value());
    for (const char* bad :
         {"", "sqlite:", "sqlite://", "sqlite:///", "sqlite://host/x.db", "sqlite:///x/",
          "sqlite:///x.db?mode=ro", "/var/lib/m.db", "postgresql:///x", "sqlite:///x%00y"}) {
      CPPUNIT_ASSERT_MESSAGE(bad, !sqlitePath(bad));
    }
  }

  void everyFileIsForTheOwnerAlone() {
    const mode_t before = ::umask(0);
    auto opened = open(path());
    CPPUNIT_ASSERT(opened.ok());
    CPPUNIT_ASSERT((*opened)->write([](store::Transaction& tx) -> Outcome {
      tx.setMeta("a", "b");
      return Done{};
    }));
    for (const char* end : {"", "-wal", "-shm"}) {
      struct stat status {};
      CPPUNIT_ASSERT_EQUAL_MESSAGE(end, 0, ::stat((path() + end).c_str(), &status));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(end, 0600, static_cast<int>(status.st_mode & 07777));
    }
    ::umask(before);
  }

  void anInspectionTellsTheSchemaAndMakesNoFile() {
    using store::sql::inspect;
    CPPUNIT_ASSERT(inspect(path(), false).error().code == Code::kNotFound);
    CPPUNIT_ASSERT(::access(path().c_str(), F_OK) != 0);
    CPPUNIT_ASSERT(open(path()).ok());
    const auto report = inspect(path(), true);
    CPPUNIT_ASSERT(report.ok());
    CPPUNIT_ASSERT(report->newest > 0 && report->schema == report->newest);
    CPPUNIT_ASSERT(report->bytes > 0);
    CPPUNIT_ASSERT_EQUAL(std::string(""), report->damage);
    std::ofstream(dir_.file("text")) << "no database, but text that is long enough for a header";
    CPPUNIT_ASSERT(inspect(dir_.file("text"), false).error().code == Code::kInvalid);
    Connection(path(), Milliseconds{2000}).run("DROP TABLE migration");
    CPPUNIT_ASSERT(inspect(path(), false).error().code == Code::kConflict);
  }

  void anInspectionFindsDamageInTheMiddle() {
    {
      auto opened = open(path());
      CPPUNIT_ASSERT((*opened)->write([](store::Transaction& tx) -> Outcome {
        for (int i = 0; i < 200; ++i) {
          tx.setMeta("key" + std::to_string(i), std::string(1000, 'x'));
        }
        return Done{};
      }));
    }
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-3 * 4096, std::ios::end);
    file << std::string(2 * 4096, '\x5a');
    file.close();
    const auto report = store::sql::inspect(path(), true);
    CPPUNIT_ASSERT(!report || !report->damage.empty());
  }

  void noWalIsLeftBehind() {
    CPPUNIT_ASSERT(open(path()).ok());
    CPPUNIT_ASSERT(!std::filesystem::exists(path() + "-wal"));
  }

  // 10,000 pages go through a log that is brought home after 2,000.
  void theLogBeginsAnewUnderLoad() {
    auto opened = open(path());
    CPPUNIT_ASSERT(opened.ok());
    Contact contact;
    contact.id = 1;
    for (int i = 0; i < 100; ++i) {
      contact.fields["NOTE"] = std::to_string(i) + std::string(400'000, 'x');
      const Outcome saved = (*opened)->write([&](store::Transaction& tx) -> Outcome {
        tx.saveContact(contact);
        return Done{};
      });
      CPPUNIT_ASSERT_MESSAGE(saved ? "" : saved.error().detail, saved.ok());
    }
    struct stat log {};
    CPPUNIT_ASSERT_EQUAL(0, ::stat((path() + "-wal").c_str(), &log));
    CPPUNIT_ASSERT_MESSAGE(std::to_string(log.st_size), log.st_size < 30'000'000);
    std::optional<Contact> found;
    CPPUNIT_ASSERT((*opened)->read([&](store::Reader& reader) -> Outcome {
      found = reader.findContact(1);
      return Done{};
    }));
    CPPUNIT_ASSERT(found && found->fields == contact.fields);
  }

  void aMissingFolderIsNamed() {
    const auto opened = open(dir_.file("no/such/m.db"));
    CPPUNIT_ASSERT(!opened && opened.error().code == Code::kNotFound);
    CPPUNIT_ASSERT(opened.error().detail.find("no/such") != std::string::npos);
  }

  void aFolderWithoutAccessIsDenied() {
    const std::string closed = dir_.file("closed");
    std::filesystem::create_directory(closed);
    ::chmod(closed.c_str(), 0500);
    ::chmod(dir_.path().c_str(), 0755);
    const uid_t user = ::geteuid();
    if (user == 0) CPPUNIT_ASSERT_EQUAL(0, ::seteuid(65534));
    const auto opened = open(closed + "/m.db");
    if (user == 0) CPPUNIT_ASSERT_EQUAL(0, ::seteuid(0));
    CPPUNIT_ASSERT(!opened && opened.error().code == Code::kDenied);
  }

  void aRelativePathIsRefused() { CPPUNIT_ASSERT(refusal("m.db") == Code::kInvalid); }

  void aFileThatIsNoDatabaseIsRefused() {
    std::ofstream(path()) << std::string(10000, 'x');
    CPPUNIT_ASSERT(refusal(path()) == Code::kInvalid);
    CPPUNIT_ASSERT_EQUAL(std::uintmax_t{10000}, std::filesystem::file_size(path()));
  }

  void aDamagedFileIsRefused() {
    CPPUNIT_ASSERT(open(path()).ok());
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);  // behind the header: the schema's own page
    file << std::string(3996, '\xee');
    file.close();
    CPPUNIT_ASSERT(refusal(path()) == Code::kInvalid);
  }

  void aNewerSchemaIsRefused() {
    CPPUNIT_ASSERT(open(path()).ok());
    {
      Connection db(path(), Milliseconds{100});
      db.run("INSERT INTO migration (version, name, applied_at) VALUES (999, 'later', 0)");
    }
    const auto opened = open(path());
    CPPUNIT_ASSERT(!opened && opened.error().code == Code::kConflict);
    CPPUNIT_ASSERT(opened.error().detail.find("newer release") != std::string::npos);
  }

  void anotherProgramsDatabaseIsRefusedAndLeftAlone() {
    std::ofstream{path()};  // an empty file, which SQLite takes for an empty database
    {
      Connection db(path(), Milliseconds{100});
      db.run("CREATE TABLE theirs (id INTEGER)");
    }
    CPPUNIT_ASSERT(refusal(path()) == Code::kConflict);
    Connection db(path(), Milliseconds{100});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, db.integer("SELECT count(*) FROM sqlite_master"));
  }

  void aMigrationIsRecordedOnce() {
    CPPUNIT_ASSERT(open(path()).ok());
    clock_.advance(std::chrono::hours{1});
    CPPUNIT_ASSERT(open(path()).ok());
    Connection db(path(), Milliseconds{100});
    CPPUNIT_ASSERT_EQUAL(db.integer("SELECT max(version) FROM migration"),
                         db.integer("SELECT count(*) FROM migration"));
    CPPUNIT_ASSERT_EQUAL(toEpochMs(clock_.now()) - 3600000,
                         db.integer("SELECT applied_at FROM migration WHERE version = 1"));
  }

  void severalMayCreateTheFileAtOnce() {
    std::vector<std::thread> threads;
    std::vector<Error> errors(4);
    for (std::size_t i = 0; i < errors.size(); ++i) {
      threads.emplace_back([&, i] {
        const auto opened = open(path());
        if (!opened) errors[i] = opened.error();
      });
    }
    for (auto& thread : threads) thread.join();
    for (const Error& error : errors) CPPUNIT_ASSERT_EQUAL(std::string(), error.detail);
  }

  TempDir dir_;
  FakeClock clock_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SqliteOpenTest);

}  // namespace
}  // namespace mbr::test
