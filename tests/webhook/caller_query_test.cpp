#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "webhook/caller_query.h"

namespace mbr::webhook {

class CallerQueryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CallerQueryTest);
  CPPUNIT_TEST(theCodeIsDecodedOnce);
  CPPUNIT_TEST(aCodeThatIsThereTwiceIsNoCode);
  CPPUNIT_TEST(aCodeThatIsAbsentOrBrokenIsNoCode);
  CPPUNIT_TEST(theQueryWithoutTheCodeKeepsTheRestAsSent);
  CPPUNIT_TEST(genpassAlwaysAsksForAPassword);
  CPPUNIT_TEST(idsMayBeWrittenAsActiveMember360DoesIt);
  CPPUNIT_TEST(brokenIdsAreRefused);
  CPPUNIT_TEST(aDefaultPasswordIsTakenAsGiven);
  CPPUNIT_TEST(aDefaultPasswordHasOneToSixtyFourCharacters);
  CPPUNIT_TEST(autoregisterIsSwitchedOffByAFewWords);
  CPPUNIT_TEST_SUITE_END();

  static std::string code(std::string_view query) {
    const auto found = securityCode(query, "mbr_genpass");
    return found ? found->reveal() : "(none)";
  }

  void theCodeIsDecodedOnce() {
    CPPUNIT_ASSERT_EQUAL(std::string("abc"), code("mbr_genpass=abc&tid=1"));
    CPPUNIT_ASSERT_EQUAL(std::string("a%41+b"), code("x=1&mbr_genpass=a%2541+b"));
    CPPUNIT_ASSERT_EQUAL(std::string("a=b"), code("mbr_genpass=a=b"));
  }

  void aCodeThatIsThereTwiceIsNoCode() {
    CPPUNIT_ASSERT_EQUAL(std::string("(none)"), code("mbr_genpass=abc&mbr_genpass=abc"));
    CPPUNIT_ASSERT_EQUAL(std::string("(none)"), code("mbr_genpass=abc&mbr%5Fgenpass=def"));
    CPPUNIT_ASSERT_EQUAL(std::string("(none)"), code("mbr_genpass=abc&&mbr_genpass"));
  }

  void aCodeThatIsAbsentOrBrokenIsNoCode() {
    CPPUNIT_ASSERT_EQUAL(std::string("(none)"), code(""));
    CPPUNIT_ASSERT_EQUAL(std::string("(none)"), code("code=abc"));
    CPPUNIT_ASSERT_EQUAL(std::string("(none)"), code("mbr_genpass=a%4"));
    CPPUNIT_ASSERT_EQUAL(std::string(), code("mbr_genpass"));
    CPPUNIT_ASSERT_EQUAL(std::string(), code("mbr_genpass="));
  }

  void theQueryWithoutTheCodeKeepsTheRestAsSent() {
    CPPUNIT_ASSERT_EQUAL(std::string("tid=1%2C2&x"),
                         withoutParameter("mbr_genpass=abc&tid=1%2C2&x", "mbr_genpass"));
    CPPUNIT_ASSERT_EQUAL(std::string(), withoutParameter("mbr_genpass=abc", "mbr_genpass"));
  }

  void genpassAlwaysAsksForAPassword() {
    const auto followUp = genpassFollowUp("mbr_genpass=abc&utm_source=mail");
    CPPUNIT_ASSERT(followUp);
    CPPUNIT_ASSERT(followUp->password && followUp->autoregister);
    CPPUNIT_ASSERT(followUp->tags.empty() && followUp->automations.empty());
    CPPUNIT_ASSERT(!followUp->defaultPassword);
  }

  void idsMayBeWrittenAsActiveMember360DoesIt() {
    const auto followUp = genpassFollowUp("tid=1,+2%2C%203,&automation=7");
    CPPUNIT_ASSERT(followUp);
    CPPUNIT_ASSERT((followUp->tags == std::vector<TagId>{1, 2, 3}));
    CPPUNIT_ASSERT((followUp->automations == std::vector<AutomationId>{7}));
  }

  void brokenIdsAreRefused() {
    for (const char* query :
         {"tid=Gold", "tid=1,-2", "automation=0", "automation=1.5", "tid=%ZZ"}) {
      const auto followUp = genpassFollowUp(query);
      CPPUNIT_ASSERT_MESSAGE(query, !followUp);
      CPPUNIT_ASSERT_MESSAGE(query, followUp.error().code == Code::kInvalid);
    }
  }

  void aDefaultPasswordIsTakenAsGiven() {
    const auto followUp = genpassFollowUp("default_pass=+Caf%C3%A9%26%2B+");
    CPPUNIT_ASSERT_EQUAL(std::string(" Café&+ "), followUp->defaultPassword->reveal());
  }

  void aDefaultPasswordHasOneToSixtyFourCharacters() {
    std::string sixtyFour;
    for (int i = 0; i < 64; ++i) sixtyFour += "%C3%A9";
    CPPUNIT_ASSERT(genpassFollowUp("default_pass=" + sixtyFour));
    CPPUNIT_ASSERT(!genpassFollowUp("default_pass=" + sixtyFour + "x"));
    for (const char* query : {"default_pass=", "default_pass=a%0Ab", "default_pass=a%00b",
                              "default_pass=%C3", "default_pass=%7F"}) {
      CPPUNIT_ASSERT_MESSAGE(query, !genpassFollowUp(query));
    }
  }

  void autoregisterIsSwitchedOffByAFewWords() {
    for (const char* query :
         {"autoregister=n", "autoregister=NO", "autoregister=0", "autoregister=False"}) {
      CPPUNIT_ASSERT_MESSAGE(query, !genpassFollowUp(query)->autoregister);
    }
    for (const char* query : {"autoregister=y", "autoregister=", "autoregister=nope"}) {
      CPPUNIT_ASSERT_MESSAGE(query, genpassFollowUp(query)->autoregister);
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CallerQueryTest);

}  // namespace mbr::webhook
