#include "pages/texts.h"

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <iterator>
#include <string>

namespace mbr::pages {

class TextsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TextsTest);
  CPPUNIT_TEST(theShippedFileIsTheExampleAndHoldsEveryKeyInOrder);
  CPPUNIT_TEST(theExampleIsAFileLikeAnyOther);
  CPPUNIT_TEST(whatAFileLeavesOutIsShownAsShipped);
  CPPUNIT_TEST(anUnknownKeyIsRefusedByLineAndName);
  CPPUNIT_TEST(everyWrongLineIsNamed);
  CPPUNIT_TEST(theLanguageIsWrittenAsHtmlWritesIt);
  CPPUNIT_TEST(aTextMustBeThereAndNotTooLong);
  CPPUNIT_TEST_SUITE_END();

  static std::string problem(const std::string& file) {
    const auto texts = Texts::parse(file);
    CPPUNIT_ASSERT_MESSAGE(file, !texts);
    CPPUNIT_ASSERT(texts.error().code == Code::kInvalid);
    return texts.error().detail;
  }

  void theShippedFileIsTheExampleAndHoldsEveryKeyInOrder() {
    std::ifstream in(MBR_SOURCE_DIR "/conf/pages.texts.example");
    const std::string example(std::istreambuf_iterator<char>(in), {});
    CPPUNIT_ASSERT_EQUAL(example, shippedTexts());
    std::size_t at = 0;
    for (std::size_t i = 0; i < kTexts; ++i) {
      const auto text = static_cast<Text>(i);
      at = example.find("\n" + std::string(keyOf(text)) + " =", at);
      CPPUNIT_ASSERT_MESSAGE(std::string(keyOf(text)), at != std::string::npos);
      CPPUNIT_ASSERT_MESSAGE(std::string(keyOf(text)), !Texts()[text].empty());
    }
  }

  void theExampleIsAFileLikeAnyOther() { CPPUNIT_ASSERT(Texts::parse(shippedTexts())); }

  void whatAFileLeavesOutIsShownAsShipped() {
    const auto texts = Texts::parse("# mine\n\nlogin.title = <Anmelden> & mehr\nsite_name =\n");
    CPPUNIT_ASSERT(texts);
    CPPUNIT_ASSERT_EQUAL(std::string("<Anmelden> & mehr"), (*texts)[Text::kLoginTitle]);
    CPPUNIT_ASSERT_EQUAL(std::string(), (*texts)[Text::kSiteName]);
    CPPUNIT_ASSERT_EQUAL(std::string("Log in"), (*texts)[Text::kLoginButton]);
  }

  void anUnknownKeyIsRefusedByLineAndName() {
    CPPUNIT_ASSERT_EQUAL(std::string("line 2: key `login.titel`: unknown"),
                         problem("lang = de\nlogin.titel = x\n"));
  }

  void everyWrongLineIsNamed() {
    CPPUNIT_ASSERT_EQUAL(
        std::string("line 1: expected `key = value`; line 3: key `email`: set already on line 2, "
                    "expected once; line 4: key `direction`: expected ltr or rtl"),
        problem("words\nemail = a\nemail = b\ndirection = down\n"));
  }

  void theLanguageIsWrittenAsHtmlWritesIt() {
    for (const char* good : {"en", "de", "pt-BR", "zh-Hant-TW", "de-CH-1996"}) {
      CPPUNIT_ASSERT_MESSAGE(good, Texts::parse("lang = " + std::string(good)));
    }
    for (const char* bad : {"", "german language", "-de", "de-", "d_e", "deutschland", "1"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(
          bad, std::string("line 1: key `lang`: expected a language like en or pt-BR"),
          problem("lang = " + std::string(bad)));
    }
  }

  void aTextMustBeThereAndNotTooLong() {
    CPPUNIT_ASSERT_EQUAL(std::string("line 1: key `login.button`: expected a text"),
                         problem("login.button ="));
    CPPUNIT_ASSERT_EQUAL(std::string("line 1: key `site_name`: expected at most 1000 bytes"),
                         problem("site_name = " + std::string(1001, 'x')));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TextsTest);

}  // namespace mbr::pages
