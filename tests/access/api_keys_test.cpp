#include "access/api_keys.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "access/rig.h"

namespace mbr::access {
namespace {

class ApiKeysTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ApiKeysTest);
  CPPUNIT_TEST(aNewKeyHasAPublicPartAnd256RandomBits);
  CPPUNIT_TEST(aKeyTellsItsCaller);
  CPPUNIT_TEST(theHeaderIsReadAsRfc6750HasIt);
  CPPUNIT_TEST(wrongKeysAreDenied);
  CPPUNIT_TEST(onlyTheSha256IsKept);
  CPPUNIT_TEST(aRevokedKeyIsDeniedAtOnce);
  CPPUNIT_TEST(aNameIsTakenOnlyWhileItsKeyIsInForce);
  CPPUNIT_TEST(badNamesAndMissingScopesAreRefused);
  CPPUNIT_TEST(aChangeByAnotherProcessIsSeenOnceItIsAnnounced);
  CPPUNIT_TEST(withoutTheStoreTheKeysKnownStayInForce);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock;
  test::SeededRandom random;
  test::TestStore database{clock};
  SwitchedStore store{database.store()};
  ApiKeys keys{store, random, clock};

  bool opens(ApiKeys& where, const std::string& header) { return where.authenticate(header).ok(); }
  bool opens(const Secret& key) { return opens(keys, "Bearer " + key.reveal()); }

  void aNewKeyHasAPublicPartAnd256RandomBits() {
    const std::string key = keys.create("site", {Scope::kLogin})->reveal();
    CPPUNIT_ASSERT_EQUAL(std::size_t{4 + 8 + 1 + 43}, key.size());
    CPPUNIT_ASSERT_EQUAL(std::string("mbr_"), key.substr(0, 4));
    CPPUNIT_ASSERT_EQUAL('_', key[12]);
    CPPUNIT_ASSERT_EQUAL(key.substr(4, 8), keys.list()->at(0).prefix);
  }

  void aKeyTellsItsCaller() {
    const auto site = keys.create("site", {Scope::kLogin, Scope::kContactsRead});
    const auto tool = keys.create("tool", {Scope::kAdmin});
    const auto caller = keys.authenticate("Bearer " + site->reveal());
    CPPUNIT_ASSERT(caller.ok());
    CPPUNIT_ASSERT_EQUAL(std::string("site"), caller->name);
    CPPUNIT_ASSERT(caller->id > 0);
    CPPUNIT_ASSERT_EQUAL(std::string("login,contacts:read"), caller->scopes.text());
    CPPUNIT_ASSERT_EQUAL(std::string("tool"), keys.authenticateKey(tool->reveal())->name);
  }

  void theHeaderIsReadAsRfc6750HasIt() {
    const std::string key = keys.create("site", {Scope::kLogin})->reveal();
    CPPUNIT_ASSERT(opens(keys, "Bearer " + key));
    CPPUNIT_ASSERT(opens(keys, "bearer " + key));
    CPPUNIT_ASSERT(opens(keys, "BEARER   " + key + " "));
    for (const std::string& header :
         {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Bearer    "),
          key, "Bearer" + key, "Basic " + key, " Bearer " + key, "Bearer " + key + ",x"}) {
      CPPUNIT_ASSERT_MESSAGE(header, !opens(keys, header));
    }
  }

  void wrongKeysAreDenied() {
    const std::string key = keys.create("site", {Scope::kLogin})->reveal();
    for (std::size_t i = 0; i < key.size(); ++i) {
      std::string wrong = key;
      wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
      const auto denied = keys.authenticate("Bearer " + wrong);
      CPPUNIT_ASSERT(!denied && denied.error().code == Code::kDenied);
    }
    CPPUNIT_ASSERT(!keys.authenticateKey(key + "A") && !keys.authenticateKey(key.substr(1)));
    CPPUNIT_ASSERT(!keys.authenticateKey("") && !keys.authenticateKey(std::string(100000, 'a')));
  }

  void onlyTheSha256IsKept() {
    const auto key = keys.create("site", {Scope::kLogin});
    CPPUNIT_ASSERT(store
                       .read([&](store::Reader& reader) -> Outcome {
                         const auto record = reader.listApiKeys().at(0);
                         CPPUNIT_ASSERT_EQUAL(std::size_t{32}, record.digest.size());
                         CPPUNIT_ASSERT(key->reveal().find(record.digest) == std::string::npos);
                         return Done{};
                       })
                       .ok());
  }

  void aRevokedKeyIsDeniedAtOnce() {
    const auto first = keys.create("first", {Scope::kLogin});
    const auto second = keys.create("second", {Scope::kLogin});
    CPPUNIT_ASSERT(opens(*first));
    CPPUNIT_ASSERT(keys.revoke("first").ok());
    CPPUNIT_ASSERT(!opens(*first));
    CPPUNIT_ASSERT(opens(*second));
    CPPUNIT_ASSERT(keys.revoke("first").error().code == Code::kNotFound);
  }

  void aNameIsTakenOnlyWhileItsKeyIsInForce() {
    CPPUNIT_ASSERT(keys.create("site", {Scope::kLogin}).ok());
    CPPUNIT_ASSERT(keys.create("site", {Scope::kLogin}).error().code == Code::kConflict);
    CPPUNIT_ASSERT(keys.revoke("site").ok());
    CPPUNIT_ASSERT(keys.create("site", {Scope::kLogin}).ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, keys.list()->size());
  }

  void badNamesAndMissingScopesAreRefused() {
    CPPUNIT_ASSERT(keys.create("", {Scope::kLogin}).error().code == Code::kInvalid);
    CPPUNIT_ASSERT(keys.create("a b", {Scope::kLogin}).error().code == Code::kInvalid);
    CPPUNIT_ASSERT(keys.create("a", {}).error().code == Code::kInvalid);
  }

  void aChangeByAnotherProcessIsSeenOnceItIsAnnounced() {
    ApiKeys other(store, random, clock);
    CPPUNIT_ASSERT(keys.reload().ok());
    const auto key = other.create("site", {Scope::kLogin});
    CPPUNIT_ASSERT(!opens(*key));
    keys.onChange();
    CPPUNIT_ASSERT(opens(*key));
    CPPUNIT_ASSERT(other.revoke("site").ok());
    keys.onChange();
    CPPUNIT_ASSERT(!opens(*key));
  }

  void withoutTheStoreTheKeysKnownStayInForce() {
    const auto key = keys.create("site", {Scope::kLogin});
    CPPUNIT_ASSERT(opens(*key));
    store.down = true;
    keys.onChange();
    CPPUNIT_ASSERT(opens(*key));
    ApiKeys fresh(store, random, clock);
    CPPUNIT_ASSERT(fresh.authenticateKey(key->reveal()).error().code == Code::kUnavailable);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ApiKeysTest);

}  // namespace
}  // namespace mbr::access
