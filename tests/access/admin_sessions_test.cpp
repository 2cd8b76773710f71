#include "access/admin_sessions.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <vector>

#include "access/rig.h"

namespace mbr::access {
namespace {

class AdminSessionsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AdminSessionsTest);
  CPPUNIT_TEST(anAdminKeyOpensASession);
  CPPUNIT_TEST(noOtherKeyDoes);
  CPPUNIT_TEST(aSessionEndsAfterTwelveHours);
  CPPUNIT_TEST(aSessionCanBeEnded);
  CPPUNIT_TEST(aSessionEndsWithItsKey);
  CPPUNIT_TEST(thereIsABoundAndTheOldestGoes);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock;
  test::SeededRandom random;
  test::TestStore database{clock};
  ApiKeys keys{database.store(), random, clock};
  AdminSessions sessions{keys, random, clock};

  Secret newKey(const std::string& name, Scopes scopes) {
    auto key = keys.create(name, scopes);
    CPPUNIT_ASSERT(key.ok() && keys.reload().ok());
    return *std::move(key);
  }
  std::string open() {
    auto token =
        sessions.open(newKey("admin" + std::to_string(++opened_), {Scope::kAdmin}).reveal());
    CPPUNIT_ASSERT(token.ok());
    return token->reveal();
  }
  int opened_ = 0;

  void anAdminKeyOpensASession() {
    const Secret key = newKey("owner", {Scope::kAdmin, Scope::kLogin});
    const auto token = sessions.open(key.reveal());
    CPPUNIT_ASSERT(token.ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{43}, token->reveal().size());
    CPPUNIT_ASSERT(token->reveal() != sessions.open(key.reveal())->reveal());
    const auto caller = sessions.find(token->reveal());
    CPPUNIT_ASSERT(caller.ok());
    CPPUNIT_ASSERT_EQUAL(std::string("owner"), caller->name);
  }

  void noOtherKeyDoes() {
    const Secret site =
        newKey("site", {Scope::kLogin, Scope::kContactsRead, Scope::kContactsWrite});
    for (const std::string& key : {site.reveal(), std::string("mbr_x"), std::string()}) {
      CPPUNIT_ASSERT(sessions.open(key).error().code == Code::kDenied);
    }
    CPPUNIT_ASSERT(sessions.find("").error().code == Code::kDenied);
    CPPUNIT_ASSERT(sessions.find(std::string(43, 'A')).error().code == Code::kDenied);
  }

  void aSessionEndsAfterTwelveHours() {
    const auto token = open();
    clock.advance(AdminSessions::kLife - Milliseconds{1});
    CPPUNIT_ASSERT(sessions.find(token).ok());
    clock.advance(Milliseconds{1});
    CPPUNIT_ASSERT(!sessions.find(token).ok());
  }

  void aSessionCanBeEnded() {
    const auto token = open();
    const auto other = open();
    sessions.end(token);
    sessions.end("unknown");
    CPPUNIT_ASSERT(!sessions.find(token).ok());
    CPPUNIT_ASSERT(sessions.find(other).ok());
  }

  void aSessionEndsWithItsKey() {
    const auto token = open();
    CPPUNIT_ASSERT(keys.revoke("admin1").ok() && keys.reload().ok());
    CPPUNIT_ASSERT(sessions.find(token).error().code == Code::kDenied);
  }

  void thereIsABoundAndTheOldestGoes() {
    const Secret key = newKey("owner", {Scope::kAdmin});
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i <= AdminSessions::kMost; ++i) {
      tokens.push_back(sessions.open(key.reveal())->reveal());
      clock.advance(Milliseconds{1});
    }
    CPPUNIT_ASSERT(!sessions.find(tokens[0]).ok());
    CPPUNIT_ASSERT(sessions.find(tokens[1]).ok());
    CPPUNIT_ASSERT(sessions.find(tokens.back()).ok());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AdminSessionsTest);

}  // namespace
}  // namespace mbr::access
