#include <cppunit/extensions/HelperMacros.h>

#include "contacts/directories.h"

namespace mbr::contacts {

class NamesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(NamesTest);
  CPPUNIT_TEST(aTagListIsSplitAtKnownNames);
  CPPUNIT_TEST(aNameThatHoldsACommaIsTakenWhole);
  CPPUNIT_TEST(theLongestNameWins);
  CPPUNIT_TEST(anUnknownNameLeavesTheListIncomplete);
  CPPUNIT_TEST(anEmptyListIsCompleteAndEmpty);
  CPPUNIT_TEST(fieldsAreFoundByPersonalizationTagInAnyCase);
  CPPUNIT_TEST(unknownIdsHaveNoName);
  CPPUNIT_TEST_SUITE_END();

  const Names names_{{{1, "Member"}, {2, "Gold"}, {3, "Gold, yearly"}, {4, "Gold, yearly, paid"}},
                     {{7, "Welcome"}},
                     {{9, "News"}},
                     {{5, "password", "Password"}, {6, "CITY", "City"}},
                     true};

  static std::vector<TagId> ids(std::initializer_list<TagId> list) { return list; }

  void aTagListIsSplitAtKnownNames() {
    const auto list = names_.splitTags("Gold, Member");
    CPPUNIT_ASSERT(list.complete);
    CPPUNIT_ASSERT(list.tags == ids({1, 2}));
  }

  void aNameThatHoldsACommaIsTakenWhole() {
    const auto list = names_.splitTags("Member, Gold, yearly");
    CPPUNIT_ASSERT(list.complete);
    CPPUNIT_ASSERT(list.tags == ids({1, 3}));
  }

  void theLongestNameWins() {
    const auto list = names_.splitTags("Gold, yearly, paid, Gold");
    CPPUNIT_ASSERT(list.complete);
    CPPUNIT_ASSERT(list.tags == ids({2, 4}));
  }

  void anUnknownNameLeavesTheListIncomplete() {
    const auto list = names_.splitTags("Gold, Silver, Member");
    CPPUNIT_ASSERT(!list.complete);
    CPPUNIT_ASSERT(list.tags == ids({1, 2}));
  }

  void anEmptyListIsCompleteAndEmpty() {
    const auto list = names_.splitTags("");
    CPPUNIT_ASSERT(list.complete);
    CPPUNIT_ASSERT(list.tags.empty());
  }

  void fieldsAreFoundByPersonalizationTagInAnyCase() {
    CPPUNIT_ASSERT(names_.fieldId("Password") == std::optional<FieldId>(5));
    CPPUNIT_ASSERT(names_.perstag(5) == std::optional<std::string>("PASSWORD"));
    CPPUNIT_ASSERT(!names_.fieldId("STREET"));
  }

  void unknownIdsHaveNoName() {
    CPPUNIT_ASSERT(names_.tagName(99).empty());
    CPPUNIT_ASSERT(!names_.tagId("gold"));
    CPPUNIT_ASSERT_EQUAL(std::string("Welcome"), std::string(names_.automationName(7)));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(NamesTest);

}  // namespace mbr::contacts
