#include "app/installation.h"

#include <cppunit/extensions/HelperMacros.h>

#include "app/app.h"
#include "passwords/temp_key_ring.h"
#include "support/failing_store.h"
#include "support/test_store.h"

namespace mbr::app {

class InstallationTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(InstallationTest);
  CPPUNIT_TEST(theSameKeysStartAgain);
  CPPUNIT_TEST(aKeyThatIsAnotherUnderTheSameIdIsRefusedByItsId);
  CPPUNIT_TEST(aFileWithNoneOfTheKeysOfBeforeIsRefused);
  CPPUNIT_TEST(aKeyThatACodeNeedsMustBeInTheFile);
  CPPUNIT_TEST(aRefusedFileLeavesNothingBehind);
  CPPUNIT_TEST(keysMayBeAddedAndOldOnesLeftOut);
  CPPUNIT_TEST(thePasswordFieldIsHiddenPastAndPresent);
  CPPUNIT_TEST(hiddenFieldsAreHiddenByTagAndByNumber);
  CPPUNIT_TEST(whatWasLearntAboutTheAccountIsRemembered);
  CPPUNIT_TEST(aDatabaseThatDoesNotAnswerIsNoWrongConfiguration);
  CPPUNIT_TEST(whatCannotBeOpenedNamesItsExitCode);
  CPPUNIT_TEST(aJobIsFoundByItsId);
  CPPUNIT_TEST_SUITE_END();

  test::TestStore store_;
  config::Config config_;

 public:
  void setUp() override { config_.passwordField = "PASSWORD"; }

  Installation install(const passwords::KeyRing& keys) {
    return Installation(store_, keys, config_);
  }
  static std::string one() { return test::keyLine("k1", '1'); }
  static std::string two() { return test::keyLine("k2", '2'); }

  // The sentence of the refusal, which must have this exit code.
  std::string refusal(const std::string& keyFile, int exitCode = 78) {
    const auto keys = test::keyRing(keyFile);
    try {
      install(keys);
    } catch (const StartError& error) {
      CPPUNIT_ASSERT_EQUAL(exitCode, error.exitCode());
      return error.what();
    }
    CPPUNIT_FAIL("it started");
    return "";
  }

  void theSameKeysStartAgain() {
    install(test::keyRing(one()));
    install(test::keyRing(one()));
  }

  void aKeyThatIsAnotherUnderTheSameIdIsRefusedByItsId() {
    install(test::keyRing(one()));
    const std::string sentence = refusal(test::keyLine("k1", '9'));
    CPPUNIT_ASSERT(sentence.find("key k1 ") != std::string::npos);
    CPPUNIT_ASSERT(sentence.find("secrets.master_key_file") != std::string::npos);
    CPPUNIT_ASSERT(sentence.find("999") == std::string::npos);
  }

  void aFileWithNoneOfTheKeysOfBeforeIsRefused() {
    install(test::keyRing(one()));
    CPPUNIT_ASSERT(refusal(two()).find("key k1,") != std::string::npos);
  }

  void addCode(const std::string& keyId) {
    store_.write([&](store::Transaction& tx) {
      store::CodeRecord code;
      code.name = "site";
      code.keyId = keyId;
      code.digest = std::string(32, 'd');
      code.purposes = "genpass";
      tx.addCode(code);
    });
  }

  void aKeyThatACodeNeedsMustBeInTheFile() {
    install(test::keyRing(two() + one()));
    addCode("k1");
    CPPUNIT_ASSERT(refusal(two()).find("key k1,") != std::string::npos);
    store_.write([](store::Transaction& tx) { tx.revokeCode("site"); });
    install(test::keyRing(two()));
  }

  void aRefusedFileLeavesNothingBehind() {
    install(test::keyRing(one()));
    refusal(two());
    refusal(two());
    install(test::keyRing(one()));
  }

  void keysMayBeAddedAndOldOnesLeftOut() {
    install(test::keyRing(one()));
    install(test::keyRing(two() + one()));
    install(test::keyRing(two()));
    install(test::keyRing(one()));
  }

  void thePasswordFieldIsHiddenPastAndPresent() {
    const auto keys = test::keyRing(one());
    config_.hiddenFields = {"SECRET"};
    install(keys);
    config_.passwordField = "NEWPASS";
    install(keys);
    config_.passwordField = "THIRD";
    CPPUNIT_ASSERT(install(keys).hiddenFields() ==
                   std::set<std::string>({"NEWPASS", "PASSWORD", "SECRET", "THIRD"}));
  }

  void hiddenFieldsAreHiddenByTagAndByNumber() {
    const Installation installation = install(test::keyRing(one()));
    const contacts::Names names({}, {}, {}, {{3, "PASSWORD", ""}, {6, "CITY", ""}}, true);
    CPPUNIT_ASSERT(installation.hides("password", names));
    CPPUNIT_ASSERT(installation.hides("PassWord", names));
    CPPUNIT_ASSERT(installation.hides("3", names));
    CPPUNIT_ASSERT(!installation.hides("city", names));
    CPPUNIT_ASSERT(!installation.hides("6", names));
    CPPUNIT_ASSERT(!installation.hides("7", names));
  }

  void whatWasLearntAboutTheAccountIsRemembered() {
    const auto keys = test::keyRing(one());
    CPPUNIT_ASSERT_EQUAL(std::string(), install(keys).features());
    rememberFeatures(store_, "contact=yes");
    CPPUNIT_ASSERT_EQUAL(std::string("contact=yes"), install(keys).features());
  }

  void aDatabaseThatDoesNotAnswerIsNoWrongConfiguration() {
    test::FailingStore failing(store_);
    failing.failAt(test::FailingStore::Step::kWork);
    const auto keys = test::keyRing(one());
    try {
      const Installation installation(failing, keys, config_);
      CPPUNIT_FAIL("it started");
    } catch (const StartError& error) {
      CPPUNIT_ASSERT_EQUAL(69, error.exitCode());
    }
  }

  static int exitCodeOf(const std::function<void()>& start) {
    try {
      start();
    } catch (const StartError& error) {
      CPPUNIT_ASSERT(!std::string(error.what()).empty());
      return error.exitCode();
    }
    return 0;
  }

  void whatCannotBeOpenedNamesItsExitCode() {
    const test::TempDir folder;
    const SystemClock clock;
    CPPUNIT_ASSERT_EQUAL(78, exitCodeOf([&] { loadKeys(folder.file("none.key")); }));
    CPPUNIT_ASSERT_EQUAL(78, exitCodeOf([&] { openStore(folder.file("no/such.db"), clock); }));
    CPPUNIT_ASSERT_EQUAL(77, exitCodeOf([] { require(Error{Code::kDenied, "no"}); }));
    CPPUNIT_ASSERT_EQUAL(69, exitCodeOf([] { require(Error{Code::kBusy, "locked"}); }));
    CPPUNIT_ASSERT_EQUAL(0, exitCodeOf([] { require(Done{}); }));
  }

  void aJobIsFoundByItsId() {
    JobId id = 0;
    store_.write([&](store::Transaction& tx) {
      Job job;
      job.kind = "k";
      id = tx.addJob(job);
    });
    CPPUNIT_ASSERT_EQUAL(std::string("k"), findJob(store_, id)->value().kind);
    CPPUNIT_ASSERT(!findJob(store_, id + 1)->has_value());
    test::FailingStore failing(store_);
    failing.failAt(test::FailingStore::Step::kRead);
    CPPUNIT_ASSERT(!findJob(failing, id).ok());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(InstallationTest);

}  // namespace mbr::app
