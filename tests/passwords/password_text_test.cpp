#include "passwords/password_text.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace mbr::passwords {
namespace {

class PasswordTextTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordTextTest);
  CPPUNIT_TEST(aPasswordHas1To256Bytes);
  CPPUNIT_TEST(aPasswordIsUtf8WithoutControlCharacters);
  CPPUNIT_TEST(aDefaultPasswordHasAtMost64Characters);
  CPPUNIT_TEST(aChosenPasswordHasAtLeast10Characters);
  CPPUNIT_TEST(aChosenPasswordIsNotTheEmail);
  CPPUNIT_TEST(commonPasswordsAreRefused);
  CPPUNIT_TEST(uncommonPasswordsAreNot);
  CPPUNIT_TEST(noErrorShowsTheText);
  CPPUNIT_TEST(anErrorTellsItsFault);
  CPPUNIT_TEST_SUITE_END();

  const Email email = *Email::parse("Ada.Lovelace@example.com");

  void anErrorTellsItsFault() {
    using Fault = PasswordFault;
    const auto is = [](Fault fault, const Outcome& refused) {
      CPPUNIT_ASSERT(!refused && faultOf(refused.error()) == fault);
    };
    is(Fault::kSize, checkPassword(""));
    is(Fault::kEncoding, checkPassword("\xff"));
    is(Fault::kControlCharacter, checkPassword("a\nb"));
    is(Fault::kTooLongDefault, checkDefaultPassword(std::string(65, 'x')));
    is(Fault::kTooShort, checkChosenPassword("short", email));
    is(Fault::kIsEmail, checkChosenPassword(email.text(), email));
    is(Fault::kCommon, checkChosenPassword("1234567890", email));
    CPPUNIT_ASSERT(!faultOf({Code::kInvalid, "The session is over."}));
    CPPUNIT_ASSERT(!faultOf({Code::kDenied, "A password has 1 to 256 bytes."}));
  }

  void aPasswordHas1To256Bytes() {
    CPPUNIT_ASSERT(!checkPassword(""));
    CPPUNIT_ASSERT(checkPassword("x").ok());
    CPPUNIT_ASSERT(checkPassword(std::string(256, 'x')).ok());
    CPPUNIT_ASSERT(!checkPassword(std::string(257, 'x')));
  }

  void aPasswordIsUtf8WithoutControlCharacters() {
    CPPUNIT_ASSERT(checkPassword("a blank and an \xc3\xa9").ok());
    CPPUNIT_ASSERT(!checkPassword("\xc3"));
    CPPUNIT_ASSERT(!checkPassword("\xff"));
    CPPUNIT_ASSERT(!checkPassword("a\nb"));
    CPPUNIT_ASSERT(!checkPassword("a\x7f"));
    CPPUNIT_ASSERT(!checkPassword(std::string_view("a\0b", 3)));
  }

  void aDefaultPasswordHasAtMost64Characters() {
    std::string accents;
    for (int i = 0; i < 64; ++i) accents += "\xc3\xa9";
    CPPUNIT_ASSERT(checkDefaultPassword("w").ok());
    CPPUNIT_ASSERT(checkDefaultPassword(accents).ok());
    CPPUNIT_ASSERT(!checkDefaultPassword(accents + "x"));
    CPPUNIT_ASSERT(!checkDefaultPassword(""));
    CPPUNIT_ASSERT(!checkDefaultPassword("a\tb"));
  }

  void aChosenPasswordHasAtLeast10Characters() {
    CPPUNIT_ASSERT(checkChosenPassword("tr0ub4dor&", email).ok());
    CPPUNIT_ASSERT(!checkChosenPassword("tr0ub4dor", email));
    CPPUNIT_ASSERT(!checkChosenPassword("\xc3\xa9\xc3\xa8\xc3\xaa\xc3\xab\xc3\xa0", email));
  }

  void aChosenPasswordIsNotTheEmail() {
    CPPUNIT_ASSERT(!checkChosenPassword("ada.lovelace@example.com", email));
    CPPUNIT_ASSERT(!checkChosenPassword("ADA.lovelace@Example.com", email));
    CPPUNIT_ASSERT(checkChosenPassword("ada.lovelace@example.com and more", email).ok());
  }

  void commonPasswordsAreRefused() {
    for (const char* text :
         {"1234567890", "0123456789", "9876543210", "password12", "Password123!", "passw0rd2024",
          "PASSWORDPASSWORD", "aaaaaaaaaa", "qwertyuiop", "QwertyUiop1", "1q2w3e4r5t",
          "iloveyou123", "welcome2025", "letmein1234", "abcdefghij", "administrator",
          "football12345", "basketball", "adminadmin123"}) {
      CPPUNIT_ASSERT_MESSAGE(text, isCommonPassword(text));
      CPPUNIT_ASSERT_MESSAGE(text, !checkChosenPassword(text, email));
    }
  }

  void uncommonPasswordsAreNot() {
    for (const char* text : {"correct horse battery", "tr0ub4dor&3x", "passwordless living",
                             "q8#Lk2!mZp", "grasshopper77 jumps", "12345678907"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !isCommonPassword(text));
    }
  }

  void noErrorShowsTheText() {
    const auto refused = checkChosenPassword("Password123!", email);
    CPPUNIT_ASSERT(refused.error().code == Code::kInvalid);
    CPPUNIT_ASSERT(refused.error().detail.find("123") == std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PasswordTextTest);

}  // namespace
}  // namespace mbr::passwords
