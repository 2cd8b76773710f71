#include "access/gate_rule.h"

#include <cppunit/extensions/HelperMacros.h>

#include <map>
#include <string>

namespace mbr::access {

class GateRuleTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GateRuleTest);
  CPPUNIT_TEST(aTagAdmitsByIdAndByName);
  CPPUNIT_TEST(memberAdmitsAnySession);
  CPPUNIT_TEST(viaTellsHowTheSessionBegan);
  CPPUNIT_TEST(anyNeedsOneAndAllNeedsEach);
  CPPUNIT_TEST(notBindsClosestThenAndThenOr);
  CPPUNIT_TEST(parenthesesGroup);
  CPPUNIT_TEST(blanksAreFree);
  CPPUNIT_TEST(namesInQuotesMayHoldAnything);
  CPPUNIT_TEST(digitsAreAnIdExceptInQuotes);
  CPPUNIT_TEST(anUnknownNameAdmitsNobodyWhoseFateHangsOnIt);
  CPPUNIT_TEST(aDoubtfulTagAdmitsNobodyWhoseFateHangsOnIt);
  CPPUNIT_TEST(whatDecidesAloneIsNotSpoiltByTheUnknown);
  CPPUNIT_TEST(namesThatDoNotMatterAreNotLookedUp);
  CPPUNIT_TEST(whatIsWrongIsSaidWithItsPlace);
  CPPUNIT_TEST(wordsAreWhole);
  CPPUNIT_TEST(nestingIsBounded);
  CPPUNIT_TEST(aCopyIsTheSameRule);
  CPPUNIT_TEST_SUITE_END();

  const std::map<std::string, TagId, std::less<>> names{
      {"Gold", 2}, {"Banned", 9}, {"Gold Member", 3}, {"a\"b\\c", 4}, {"12", 5}, {"été", 6}};

  static GateRule rule(const std::string& text) {
    auto parsed = GateRule::parse(text);
    CPPUNIT_ASSERT_MESSAGE(text + ": " + (parsed ? "" : parsed.error().detail), parsed.ok());
    return *std::move(parsed);
  }
  static std::string problem(const std::string& text) {
    const auto parsed = GateRule::parse(text);
    CPPUNIT_ASSERT_MESSAGE(text, !parsed.ok());
    CPPUNIT_ASSERT(parsed.error().code == Code::kInvalid);
    return parsed.error().detail;
  }
  bool admits(const std::string& text, const Visitor& visitor) const {
    return rule(text).admits(visitor, [this](std::string_view name) -> std::optional<TagId> {
      const auto found = names.find(name);
      if (found == names.end()) return std::nullopt;
      return found->second;
    });
  }
  static Visitor with(std::vector<TagId> tags, std::vector<TagId> doubtful = {}) {
    return {std::move(tags), std::move(doubtful), "password"};
  }
  void is(bool expected, const std::string& text, const Visitor& visitor) const {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(text, expected, admits(text, visitor));
  }

  void aTagAdmitsByIdAndByName() {
    is(true, "tag:2", with({1, 2, 7}));
    is(false, "tag:2", with({1, 7}));
    is(true, "tag:Gold", with({2}));
    is(false, "tag:Gold", with({3}));
    is(true, "tag:été", with({6}));
    is(false, "tag:gold", with({2}));  // names are exact, so this is an unknown one
  }

  void memberAdmitsAnySession() {
    is(true, "member", with({}));
    is(false, "not member", with({2}));
  }

  void viaTellsHowTheSessionBegan() {
    const Visitor linked{{2}, {}, "link"};
    is(true, "via:password", with({}));
    is(false, "via:password", linked);
    is(true, "via:link", linked);
    is(false, "tag:Gold and not via:link", linked);
    is(true, "tag:Gold and not via:link", with({2}));
    is(false, "via:password or via:link", {{}, {}, "other"});
  }

  void anyNeedsOneAndAllNeedsEach() {
    is(true, "any(tag:1, tag:Gold)", with({2}));
    is(false, "any(tag:1,tag:Gold)", with({3}));
    is(true, "all(tag:1, tag:Gold)", with({1, 2}));
    is(false, "all(tag:1, tag:Gold)", with({1}));
    is(true, "any(tag:1)", with({1}));
    is(true, "all(member, via:password)", with({}));
  }

  void notBindsClosestThenAndThenOr() {
    is(true, "not tag:1 or tag:2", with({1, 2}));
    is(true, "tag:1 or tag:2 and tag:3", with({1}));
    is(false, "tag:1 and tag:2 or tag:3 and tag:4", with({1, 4}));
    is(true, "tag:1 and tag:2 or tag:3 and tag:4", with({3, 4}));
    is(true, "not not tag:1", with({1}));
    is(false, "any(tag:12, tag:Gold) and not tag:Banned", with({2, 9}));
    is(true, "any(tag:12, tag:Gold) and not tag:Banned", with({12}));
  }

  void parenthesesGroup() {
    is(false, "(tag:1 or tag:2) and tag:3", with({1}));
    is(true, "(tag:1 or tag:2) and tag:3", with({2, 3}));
    is(false, "not (tag:1 or tag:2)", with({2}));
    is(true, "not(tag:1 or tag:2)", with({3}));
    is(true, "((member))", with({}));
  }

  void blanksAreFree() {
    is(true, "  any (\ttag:1 ,tag:2 )  and\tmember ", with({2}));
    is(true, "(tag:1)and(tag:2)", with({1, 2}));
  }

  void namesInQuotesMayHoldAnything() {
    is(true, "tag:\"Gold Member\"", with({3}));
    is(true, "any(tag:\"Gold Member\",tag:1)", with({3}));
    is(true, R"(tag:"a\"b\\c")", with({4}));
    // Before anything else a backslash is itself.
    is(true, R"(tag:"a\"b\c")", with({4}));
  }

  void digitsAreAnIdExceptInQuotes() {
    is(true, "tag:12", with({12}));
    is(false, "tag:12", with({5}));
    is(true, "tag:\"12\"", with({5}));
    is(false, "tag:\"12\"", with({12}));
  }

  void anUnknownNameAdmitsNobodyWhoseFateHangsOnIt() {
    is(false, "tag:Nobody", with({1}));
    is(false, "not tag:Nobody", with({1}));
    is(false, "not not tag:Nobody", with({1}));
    is(false, "tag:1 and not tag:Nobody", with({1}));
    is(false, "any(tag:5, tag:Nobody)", with({1}));
    is(false, "not any(tag:5, tag:Nobody)", with({1}));
    is(false, "not all(tag:1, tag:Nobody)", with({1}));
  }

  void aDoubtfulTagAdmitsNobodyWhoseFateHangsOnIt() {
    is(false, "tag:2", with({1}, {2}));
    is(false, "not tag:2", with({1}, {2}));
    is(false, "tag:Gold", with({1}, {2}));
    is(false, "tag:1 and not tag:Banned", with({1}, {9}));
    is(true, "tag:1 and not tag:Banned", with({1}, {2}));
  }

  void whatDecidesAloneIsNotSpoiltByTheUnknown() {
    is(true, "tag:Nobody or tag:1", with({1}));
    is(true, "any(tag:Nobody, tag:1)", with({1}));
    is(true, "not (tag:Nobody and tag:5)", with({1}));
    is(true, "not all(tag:Nobody, tag:5)", with({1}));
    is(true, "tag:2 or tag:1", with({1}, {2}));
    is(false, "tag:Nobody and tag:5", with({1}));
  }

  void namesThatDoNotMatterAreNotLookedUp() {
    int asked = 0;
    const auto count = [&](std::string_view) -> std::optional<TagId> {
      ++asked;
      return std::nullopt;
    };
    CPPUNIT_ASSERT(rule("tag:1 or tag:Gold").admits(with({1}), count));
    CPPUNIT_ASSERT_EQUAL(0, asked);
  }

  void whatIsWrongIsSaidWithItsPlace() {
    const std::string kTerm = "expected tag:, via:, member, any(, all(, not or \"(\"";
    const std::map<std::string, std::string> all{
        {"", kTerm + " at character 1"},
        {"tag:1 and", kTerm + " at character 10"},
        {"tag:1, tag:2", "expected \"and\", \"or\" or the end at character 6"},
        {"tag:1 tag:2", "expected \"and\", \"or\" or the end at character 7"},
        {"tag:", "expected a tag's id or name after \"tag:\" at character 5"},
        {"tag: 1", "expected a tag's id or name after \"tag:\" at character 5"},
        {"tag:\"\"", "expected a tag's id or name after \"tag:\" at character 7"},
        {"tag:\"a", "a quote is not closed at character 7"},
        {"tag:\"a\\\"", "a quote is not closed at character 9"},
        {"tag:0",
         "expected a tag's id, a positive number without leading zeros, or its name at "
         "character 6"},
        {"tag:99999999999999999999",
         "expected a tag's id, a positive number without leading zeros, or its name at character "
         "25"},
        {"via:cookie", "expected \"password\" or \"link\" after \"via:\" at character 11"},
        {"any tag:1", "expected \"(\" at character 5"},
        {"any()", kTerm + " at character 5"},
        {"any(tag:1", "expected \",\" or \")\" at character 10"},
        {"all(tag:1 and tag:2)", "expected \",\" or \")\" at character 11"},
        {"any(not tag:1)", kTerm + " at character 5"},
        {"(tag:1", "expected \")\" at character 7"},
        {"tag:1)", "expected \"and\", \"or\" or the end at character 6"},
        {"Gold", kTerm + " at character 1"},
        {"TAG:1", kTerm + " at character 1"},
        {"tag:1 AND tag:2", "expected \"and\", \"or\" or the end at character 7"},
    };
    for (const auto& [text, words] : all) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, words, problem(text));
    }
  }

  void wordsAreWhole() {
    problem("members");
    problem("nottag:1");
    problem("tag:1 android tag:2");
    problem("anything(tag:1)");
  }

  void nestingIsBounded() {
    const auto nested = [](std::size_t depth) {
      return std::string(depth, '(') + "member" + std::string(depth, ')');
    };
    is(true, nested(30), with({}));
    const std::string words = problem(nested(100000));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, words.find("nested too deeply"));
    std::string nots;
    for (int i = 0; i < 100000; ++i) nots += "not ";
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, problem(nots + "member").find("nested too deeply"));
  }

  void aCopyIsTheSameRule() {
    const GateRule copy = [] { return GateRule(rule("tag:1")); }();
    CPPUNIT_ASSERT(copy.admits(with({1}), [](std::string_view) { return std::nullopt; }));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(GateRuleTest);

}  // namespace mbr::access
