// The configuration file and the files it names: who may read and write them, and what is shown.
#include <cppunit/extensions/HelperMacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "conf_fixture.h"
#include "config/config.h"

using namespace mbr;
using namespace mbr::config;

class FilesTest : public test::ConfFixture {
  CPPUNIT_TEST_SUITE(FilesTest);
  CPPUNIT_TEST(secretFilesMustExistAndBeClosedToOthers);
  CPPUNIT_TEST(theApiKeyIsTakenFromItsFileWithoutItsLineEnd);
  CPPUNIT_TEST(aFileThatIsNoApiKeyIsRefusedWithoutBeingQuoted);
  CPPUNIT_TEST(aSecretInPlaceOfAPathIsNotShown);
  CPPUNIT_TEST(anAddressWithAUserIsNotShown);
  CPPUNIT_TEST(aConfigurationThatOthersMayWriteIsRefused);
  CPPUNIT_TEST(whatThisUserMayNotReadIsToldApart);
  CPPUNIT_TEST_SUITE_END();

  std::string withKeyFiles(const std::string& key, const std::string& master) const {
    const auto config = loadText(
        "activecampaign.url = https://acme.api-us1.com\n"
        "activecampaign.key_file = " +
        key + "\nsecrets.master_key_file = " + master + "\n");
    return config ? "" : config.error().detail;
  }

  void secretFilesMustExistAndBeClosedToOthers() {
    const std::string open = folder_.write("open.key", "abc", 0644);
    CPPUNIT_ASSERT_EQUAL(inFile(":2: key `activecampaign.key_file`: got `" + open +
                                "`, whose mode is 0644, expected no right for others (0640)"),
                         withKeyFiles(open, at("master.key")));
    CPPUNIT_ASSERT_EQUAL(inFile(":3: key `secrets.master_key_file`: got `" + at("none") +
                                "`, expected a file that exists"),
                         withKeyFiles(at("ac.key"), at("none")));
    CPPUNIT_ASSERT_EQUAL(inFile(":3: key `secrets.master_key_file`: got `" + folder_.path() +
                                "`, expected a regular file"),
                         withKeyFiles(at("ac.key"), folder_.path()));
  }

  void theApiKeyIsTakenFromItsFileWithoutItsLineEnd() {
    CPPUNIT_ASSERT(take("").activecampaign.key.equals("abc123"));
    folder_.write("ac.key", "abc123 \r\n\n");
    CPPUNIT_ASSERT(take("").activecampaign.key.equals("abc123"));
  }

  void aFileThatIsNoApiKeyIsRefusedWithoutBeingQuoted() {
    for (const std::string& text :
         {std::string(), std::string("\n"), std::string("hunter2\nhunter3\n"),
          std::string("hunter2 x"), std::string("hunter2\r\nX-Evil: 1"), std::string(513, 'k'),
          std::string("hunter2\0", 8), std::string("\xC3\xA4hunter2")}) {
      folder_.write("ac.key", text);
      const std::string said = problems("");
      CPPUNIT_ASSERT_EQUAL(inFile(":2: key `activecampaign.key_file`: got `" + at("ac.key") +
                                  "`, expected a file that holds the API key alone, on one line"),
                           said);
    }
  }

  void aSecretInPlaceOfAPathIsNotShown() {
    CPPUNIT_ASSERT_EQUAL(inFile(":2: key `activecampaign.key_file`: got no absolute path, expected "
                                "an absolute path, no right for others"),
                         withKeyFiles("hunter2", at("master.key")));
  }

  void anAddressWithAUserIsNotShown() {
    const auto config = loadText("activecampaign.url = https://me:hunter2@acme.api-us1.com\n");
    CPPUNIT_ASSERT(holds(config.error().detail, "got an address with a user in it, which must"));
    CPPUNIT_ASSERT(!holds(config.error().detail, "hunter2"));
  }

  void aConfigurationThatOthersMayWriteIsRefused() {
    const std::string file = folder_.write("membergate.conf", complete(), 0646);
    CPPUNIT_ASSERT_EQUAL(file + ": others may write this file, expected mode 0640",
                         load(file).error().detail);
  }

  // As a user who owns nothing here. Only root can become another user.
  static int asNobody(const std::function<bool()>& holdsTrue) {
    const pid_t child = fork();
    if (child == 0) _exit(setgid(65534) == 0 && setuid(65534) == 0 && holdsTrue() ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    return status;
  }

  void whatThisUserMayNotReadIsToldApart() {
    if (geteuid() != 0) return;
    const std::string file = folder_.write("membergate.conf", complete(), 0644);
    CPPUNIT_ASSERT_EQUAL(0, chmod(folder_.path().c_str(), 0755));
    CPPUNIT_ASSERT_EQUAL(0, asNobody([&] {
                           const auto config = load(file);
                           return !config && config.error().code == Code::kDenied &&
                                  holds(config.error().detail,
                                        "expected a file that this user may read");
                         }));
    folder_.write("membergate.conf", complete() + "nonsense\n", 0644);
    CPPUNIT_ASSERT_EQUAL(0, asNobody([&] { return load(file).error().code == Code::kInvalid; }));
    folder_.write("membergate.conf", complete(), 0640);
    CPPUNIT_ASSERT_EQUAL(0, asNobody([&] { return load(file).error().code == Code::kDenied; }));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FilesTest);
