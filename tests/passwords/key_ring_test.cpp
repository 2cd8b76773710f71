#include "passwords/key_ring.h"

#include <cppunit/extensions/HelperMacros.h>

#include <filesystem>
#include <set>

#include "base/encoding.h"
#include "passwords/temp_key_ring.h"
#include "support/seeded_random.h"

namespace mbr::passwords {
namespace {

using test::keyLine;
using test::readFile;

class KeyRingTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(KeyRingTest);
  CPPUNIT_TEST(theMacIsHmacSha256AsRfc4231HasIt);
  CPPUNIT_TEST(aNewFileHasOneKeyAndMode0640WhateverTheUmask);
  CPPUNIT_TEST(anExistingFileIsNeverOverwritten);
  CPPUNIT_TEST(commentsBlankLinesAndCarriageReturnsAreTolerated);
  CPPUNIT_TEST(theFirstKeyIsTheCurrentOne);
  CPPUNIT_TEST(aBrokenFileIsRefusedWithFileLineAndExpectation);
  CPPUNIT_TEST(anErrorNeverShowsWhatTheFileHolds);
  CPPUNIT_TEST(aFileThatOthersMayReadIsRefused);
  CPPUNIT_TEST(aMissingFileIsNamed);
  CPPUNIT_TEST(rotationPrependsAKeyAndKeepsTheRest);
  CPPUNIT_TEST(rotationThatCannotWriteLeavesTheFileAlone);
  CPPUNIT_TEST(eachPurposeAndEachKeyHasItsOwnDigest);
  CPPUNIT_TEST(anUnknownKeyIdIsNotFound);
  CPPUNIT_TEST(theCheckValueTellsKeysApart);
  CPPUNIT_TEST_SUITE_END();

  test::TempDir folder;
  test::SeededRandom random;

  std::string write(const std::string& name, const std::string& text) const {
    return test::writeKeyFile(folder, name, text);
  }
  static std::string refusal(const std::string& path, Code code) {
    const auto ring = KeyRing::load(path);
    CPPUNIT_ASSERT(!ring);
    CPPUNIT_ASSERT_EQUAL(std::string(toString(code)), std::string(toString(ring.error().code)));
    CPPUNIT_ASSERT(ring.error().detail.find(path) != std::string::npos);
    return ring.error().detail;
  }

  void theMacIsHmacSha256AsRfc4231HasIt() {
    CPPUNIT_ASSERT_EQUAL(
        std::string("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        toHex(hmacSha256(Secret("Jefe"), "what do ya want for nothing?")));
  }

  void aNewFileHasOneKeyAndMode0640WhateverTheUmask() {
    const std::string path = folder.file("master.key");
    const mode_t before = ::umask(0077);
    const Outcome made = KeyRing::create(path, random);
    ::umask(before);
    CPPUNIT_ASSERT(made.ok());
    struct stat info {};
    CPPUNIT_ASSERT(::stat(path.c_str(), &info) == 0);
    CPPUNIT_ASSERT_EQUAL(mode_t{0640}, static_cast<mode_t>(info.st_mode & 07777));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, KeyRing::load(path)->ids().size());
  }

  void anExistingFileIsNeverOverwritten() {
    const std::string path = write("master.key", "precious");
    CPPUNIT_ASSERT(KeyRing::create(path, random).error().code == Code::kConflict);
    CPPUNIT_ASSERT_EQUAL(std::string("precious"), readFile(path));
  }

  void commentsBlankLinesAndCarriageReturnsAreTolerated() {
    const auto ring =
        test::keyRing("# kept by hand\n\n" + std::string("k2:") + std::string(64, 'A') + " \r\n" +
                      "   \n" + "k1:" + std::string(64, 'b'));
    CPPUNIT_ASSERT((ring.ids() == std::vector<std::string>{"k2", "k1"}));
  }

  void theFirstKeyIsTheCurrentOne() {
    const auto ring = test::keyRing(keyLine("new", '2') + keyLine("old", '1'));
    CPPUNIT_ASSERT_EQUAL(std::string("new"), ring.currentId());
    CPPUNIT_ASSERT_EQUAL(std::string("old"), ring.oldestId());
    CPPUNIT_ASSERT(ring.mac("p", "x") == ring.mac("p", "x", "new").value());
  }

  void aBrokenFileIsRefusedWithFileLineAndExpectation() {
    const std::string good = keyLine("k1", '1');
    const auto says = [&](const std::string& text, const std::string& words) {
      const std::string detail = refusal(write("broken", text), Code::kInvalid);
      CPPUNIT_ASSERT_MESSAGE(detail, detail.find(words) != std::string::npos);
    };
    says("", "at least one key");
    says("# nothing\n", "at least one key");
    says(good + "nonsense\n", "line 2");
    says(":" + std::string(64, '1') + "\n", "ID:HEX64");
    says("a-b:" + std::string(64, '1') + "\n", "letters and digits");
    says(std::string(17, 'a') + ":" + std::string(64, '1') + "\n", "1 to 16");
    says("k1:" + std::string(63, '1') + "\n", "64 hexadecimal digits");
    says("k1:" + std::string(64, 'g') + "\n", "64 hexadecimal digits");
    says("k1:" + std::string(66, '1') + "\n", "64 hexadecimal digits");
    says(good + good, "only once");
    says(std::string(70000, '#'), "64 KiB");
    refusal(folder.file("."), Code::kInvalid);
  }

  void anErrorNeverShowsWhatTheFileHolds() {
    const std::string detail =
        refusal(write("broken", "k1:" + std::string(62, 'c') + "\nsecretword\n"), Code::kInvalid);
    CPPUNIT_ASSERT(detail.find("cccc") == std::string::npos);
    CPPUNIT_ASSERT(detail.find("secretword") == std::string::npos);
  }

  void aFileThatOthersMayReadIsRefused() {
    const std::string path = write("master.key", keyLine("k1", '1'));
    for (const mode_t mode : {0644, 0642, 0641, 0604}) {
      ::chmod(path.c_str(), mode);
      CPPUNIT_ASSERT(refusal(path, Code::kDenied).find("0640") != std::string::npos);
    }
    ::chmod(path.c_str(), 0640);
    CPPUNIT_ASSERT(KeyRing::load(path).ok());
  }

  void aMissingFileIsNamed() { refusal(folder.file("absent"), Code::kNotFound); }

  void rotationPrependsAKeyAndKeepsTheRest() {
    const std::string old = "# by hand\n" + keyLine("k1", '1');
    const std::string path = write("master.key", old);
    ::chmod(path.c_str(), 0640);
    CPPUNIT_ASSERT(KeyRing::rotate(path, random).ok());
    CPPUNIT_ASSERT(KeyRing::rotate(path, random).ok());
    const auto ring = KeyRing::load(path);
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, ring->ids().size());
    CPPUNIT_ASSERT_EQUAL(std::string("k1"), ring->oldestId());
    CPPUNIT_ASSERT(ring->currentId() != ring->ids()[1]);
    const std::string text = readFile(path);
    CPPUNIT_ASSERT_EQUAL(old, text.substr(text.size() - old.size()));
    struct stat info {};
    CPPUNIT_ASSERT(::stat(path.c_str(), &info) == 0);
    CPPUNIT_ASSERT_EQUAL(mode_t{0640}, static_cast<mode_t>(info.st_mode & 07777));
    int files = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(path).parent_path())) {
      ++files;
    }
    CPPUNIT_ASSERT_EQUAL_MESSAGE("no draft is left behind", 1, files);
  }

  void rotationThatCannotWriteLeavesTheFileAlone() {
    const std::string path = write("master.key", "broken\n");
    CPPUNIT_ASSERT(KeyRing::rotate(path, random).error().code == Code::kInvalid);
    CPPUNIT_ASSERT_EQUAL(std::string("broken\n"), readFile(path));
  }

  void eachPurposeAndEachKeyHasItsOwnDigest() {
    const auto ring = test::keyRing(keyLine("k2", '2') + keyLine("k1", '1'));
    const std::set<std::string> digests{
        ring.mac("a", "x", "k1").value(), ring.mac("b", "x", "k1").value(),
        ring.mac("a", "y", "k1").value(), ring.mac("a", "x", "k2").value()};
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, digests.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{32}, digests.begin()->size());
    CPPUNIT_ASSERT(hmacSha256(ring.subkey("a", "k1").value(), "x") ==
                   ring.mac("a", "x", "k1").value());
  }

  void anUnknownKeyIdIsNotFound() {
    const auto ring = test::keyRing();
    CPPUNIT_ASSERT(ring.mac("a", "x", "k9").error().code == Code::kNotFound);
    CPPUNIT_ASSERT(ring.subkey("a", "").error().code == Code::kNotFound);
    CPPUNIT_ASSERT(ring.checkValue("k9").error().code == Code::kNotFound);
  }

  void theCheckValueTellsKeysApart() {
    const auto one = test::keyRing(keyLine("k1", '1'));
    const auto other = test::keyRing(keyLine("k1", '2'));
    CPPUNIT_ASSERT(one.checkValue("k1").value() == test::keyRing().checkValue("k1").value());
    CPPUNIT_ASSERT(one.checkValue("k1").value() != other.checkValue("k1").value());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(KeyRingTest);

}  // namespace
}  // namespace mbr::passwords
