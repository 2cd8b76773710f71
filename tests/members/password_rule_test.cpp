#include "members/password_rule.h"

#include <cppunit/extensions/HelperMacros.h>

#include <utility>
#include <vector>

using namespace mbr;
using mbr::members::PasswordRule;

class PasswordRuleTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordRuleTest);
  CPPUNIT_TEST(byDefaultNobodyIsCovered);
  CPPUNIT_TEST(allCoversContactsWithoutTagsToo);
  CPPUNIT_TEST(anyOneOfTheTagsSuffices);
  CPPUNIT_TEST(theOrderOfTheContactsTagsMakesNoDifference);
  CPPUNIT_TEST(otherTagsDoNot);
  CPPUNIT_TEST(theTagsCountOnlyWhereTheRuleAsksForThem);
  CPPUNIT_TEST_SUITE_END();

  static PasswordRule tagged(std::vector<TagId> tags) {
    PasswordRule rule;
    rule.who = PasswordRule::Who::kTagged;
    rule.tags = std::move(tags);
    return rule;
  }

  void byDefaultNobodyIsCovered() {
    CPPUNIT_ASSERT(!PasswordRule{}.covers({}));
    CPPUNIT_ASSERT(!PasswordRule{}.covers({1, 2}));
  }

  void allCoversContactsWithoutTagsToo() {
    PasswordRule rule;
    rule.who = PasswordRule::Who::kAll;
    CPPUNIT_ASSERT(rule.covers({}));
    CPPUNIT_ASSERT(rule.covers({7}));
  }

  void anyOneOfTheTagsSuffices() {
    for (const TagId tag : {3, 5, 9}) {
      CPPUNIT_ASSERT(tagged({tag}).covers({3, 5, 9}));
      CPPUNIT_ASSERT(tagged({100, tag, 1}).covers({3, 5, 9}));
    }
    CPPUNIT_ASSERT(tagged({5}).covers({5}));
  }

  void theOrderOfTheContactsTagsMakesNoDifference() {
    CPPUNIT_ASSERT(tagged({3}).covers({9, 5, 3}));
    CPPUNIT_ASSERT(!tagged({4}).covers({9, 5, 3}));
  }

  void otherTagsDoNot() {
    CPPUNIT_ASSERT(!tagged({3}).covers({}));
    for (const TagId tag : {1, 4, 10}) CPPUNIT_ASSERT(!tagged({tag}).covers({3, 5, 9}));
    CPPUNIT_ASSERT(!tagged({}).covers({3}));
  }

  void theTagsCountOnlyWhereTheRuleAsksForThem() {
    PasswordRule rule = tagged({3});
    rule.who = PasswordRule::Who::kNone;
    CPPUNIT_ASSERT(!rule.covers({3}));
    rule.who = PasswordRule::Who::kAll;
    CPPUNIT_ASSERT(rule.covers({4}));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PasswordRuleTest);
