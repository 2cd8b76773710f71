#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "conf_fixture.h"
#include "config/config.h"

using namespace mbr;
using namespace mbr::config;

class PageTextsTest : public test::ConfFixture {
  CPPUNIT_TEST_SUITE(PageTextsTest);
  CPPUNIT_TEST(withoutAFileThePagesShowWhatWasShipped);
  CPPUNIT_TEST(aFileReplacesTheWordsThatItHolds);
  CPPUNIT_TEST(whatIsWrongInTheFileIsNamedByLineAndKey);
  CPPUNIT_TEST(aFileThatIsNotThereStopsTheStart);
  CPPUNIT_TEST_SUITE_END();

  void withoutAFileThePagesShowWhatWasShipped() {
    CPPUNIT_ASSERT_EQUAL(std::string("Log in"), take("").pageTexts[pages::Text::kLoginTitle]);
    take("pages.texts =");
  }

  void aFileReplacesTheWordsThatItHolds() {
    const std::string file = folder_.write("texts", "lang = de\nlogin.title = Anmelden\n");
    const Config c = take("pages.texts = " + file);
    CPPUNIT_ASSERT_EQUAL(std::string("Anmelden"), c.pageTexts[pages::Text::kLoginTitle]);
    CPPUNIT_ASSERT_EQUAL(std::string("E-mail"), c.pageTexts[pages::Text::kEmail]);
  }

  void whatIsWrongInTheFileIsNamedByLineAndKey() {
    const std::string file = folder_.write("texts", "lang = de\nlogin.titel = Anmelden\nemail =\n");
    refuses(":5: key `pages.texts`: got `" + file +
                "`, where line 2: key `login.titel`: unknown; line 3: key `email`: expected a text",
            "pages.texts = " + file);
  }

  void aFileThatIsNotThereStopsTheStart() {
    refuses(":5: key `pages.texts`: got `" + at("none") + "`, expected a file that exists",
            "pages.texts = " + at("none"));
    refuses(":5: key `pages.texts`: got no absolute path, expected an absolute path",
            "pages.texts = texts");
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PageTextsTest);
