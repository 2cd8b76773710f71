#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "conf_fixture.h"
#include "config/config.h"

using namespace mbr;
using namespace mbr::config;

class AutologinTest : public test::ConfFixture {
  CPPUNIT_TEST_SUITE(AutologinTest);
  CPPUNIT_TEST(linksAreOffUnlessSwitchedOn);
  CPPUNIT_TEST(theTokenFieldIsHidden);
  CPPUNIT_TEST(theTokenFieldIsNotThatOfThePassword);
  CPPUNIT_TEST(linksWithoutTokensAreWarnedOf);
  CPPUNIT_TEST_SUITE_END();

  static constexpr const char* kTag = "login.required_tags = 1\n";  // or it would be warned of

  void linksAreOffUnlessSwitchedOn() {
    CPPUNIT_ASSERT(!take("").autologin);
    CPPUNIT_ASSERT(!take("autologin.enabled = no").autologin);
    CPPUNIT_ASSERT(take("autologin.enabled = yes").autologin);
    CPPUNIT_ASSERT(take("").autologinTokenField.empty());
    refuses(":5: key `autologin.enabled`: got `true`, expected one word, no, yes",
            "autologin.enabled = true");
  }

  void theTokenFieldIsHidden() {
    const Config c = take("autologin.token_field = login_token");
    CPPUNIT_ASSERT_EQUAL(std::string("LOGIN_TOKEN"), c.autologinTokenField);
    CPPUNIT_ASSERT(c.hiddenFields == std::vector<std::string>({"LOGIN_TOKEN", "PASSWORD"}));
    refuses(
        ":5: key `autologin.token_field`: got `%T%`, expected a personalization tag, letters, "
        "digits and underscores",
        "autologin.token_field = %T%");
  }

  void theTokenFieldIsNotThatOfThePassword() {
    refuses(":5: key `autologin.token_field`: is password.field, expected a field of its own",
            "autologin.token_field = Password");
  }

  void linksWithoutTokensAreWarnedOf() {
    const auto warnings = take(std::string(kTag) + "autologin.enabled = yes").warnings;
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, warnings.size());
    CPPUNIT_ASSERT(warnings.front().find("key `autologin.enabled`: without") != std::string::npos);
    CPPUNIT_ASSERT(take(std::string(kTag) + "autologin.enabled = yes\nautologin.token_field = T")
                       .warnings.empty());
    CPPUNIT_ASSERT(take(kTag).warnings.empty());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AutologinTest);
