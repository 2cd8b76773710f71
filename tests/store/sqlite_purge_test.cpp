// Purging on SQLite: what the port alone cannot show.
#include <cppunit/extensions/HelperMacros.h>

#include "store/sql/connection.h"
#include "store/sql/contact_queries.h"
#include "support/test_store.h"

namespace mbr::test {
namespace {

using store::sql::Connection;
using store::sql::kPurgeBatch;

class SqlitePurgeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SqlitePurgeTest);
  CPPUNIT_TEST(linksOfAPurgedContactGoAndOthersStay);
  CPPUNIT_TEST(oneCallTakesABoundedNumberAndTheOldestFirst);
  CPPUNIT_TEST_SUITE_END();

  static Instant at(std::int64_t seconds) { return Instant{std::chrono::seconds{seconds}}; }

  static void saveDeleted(store::Transaction& tx, ContactId id, Instant deletedAt) {
    Contact contact;
    contact.id = id;
    contact.email = Email::parse("c" + std::to_string(id) + "@example.org");
    contact.tags = {1, 2, 3};
    contact.deletedAt = deletedAt;
    tx.saveContact(contact);
  }

  void linksOfAPurgedContactGoAndOthersStay() {
    store_.write([](store::Transaction& tx) {
      saveDeleted(tx, 1, at(10));
      saveDeleted(tx, 2, at(20));
    });
    Connection db(store_.path(), Milliseconds{2000});
    db.run(
        "INSERT INTO link (digest, contact_id, created_at, expires_at) "
        "VALUES ('a', 1, 0, 0), ('b', 2, 0, 0), ('c', 1, 0, 0), ('d', 3, 0, 0)");
    store_.write([](store::Transaction& tx) { tx.purgeDeleted(at(20)); });
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, db.integer("SELECT count(*) FROM link"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{5}, db.integer("SELECT sum(contact_id) FROM link"));
  }

  void oneCallTakesABoundedNumberAndTheOldestFirst() {
    store_.write([](store::Transaction& tx) {
      saveDeleted(tx, 1, at(20));
      for (ContactId id = 2; id <= kPurgeBatch + 1; ++id) saveDeleted(tx, id, at(10));
    });
    const auto left = [&] {
      return Connection(store_.path(), Milliseconds{2000}).integer("SELECT count(*) FROM contact");
    };
    store_.write([](store::Transaction& tx) { tx.purgeDeleted(at(30)); });
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, left());
    store_.read([](store::Reader& r) { CPPUNIT_ASSERT(r.findContact(1).has_value()); });
    store_.write([](store::Transaction& tx) { tx.purgeDeleted(at(30)); });
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, left());
  }

  TestStore store_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SqlitePurgeTest);

}  // namespace
}  // namespace mbr::test
