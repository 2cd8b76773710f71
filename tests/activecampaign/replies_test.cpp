#include "activecampaign/replies.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "activecampaign/golden.h"
#include "base/time_format.h"

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;
using test::golden;

FieldView knownFields() {
  FieldView view;
  view.nameOf = [](FieldId id) -> std::optional<std::string> {
    if (id == 1) return "CITY";
    if (id == 2) return "COLOURS";
    if (id == 3) return "PASSWORD";
    return std::nullopt;
  };
  view.hidden = {"PASSWORD"};
  view.passwordField = "PASSWORD";
  return view;
}

json::Value parsed(const std::string& text) { return json::parse(text).value(); }

class RepliesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RepliesTest);
  CPPUNIT_TEST(anIdMayBeTextOrNumber);
  CPPUNIT_TEST(aContactWithEverythingIncludedIsReadWhole);
  CPPUNIT_TEST(aContactWithoutIncludeHasNoTagsRatherThanNone);
  CPPUNIT_TEST(rowsOfOtherContactsAreNotMixedIn);
  CPPUNIT_TEST(aPartWhoseRowsAreNotAllThereIsAbsent);
  CPPUNIT_TEST(theHiddenFieldGoesToThePasswordAndNowhereElse);
  CPPUNIT_TEST(aContactWithoutAValueRowHasAnEmptyPassword);
  CPPUNIT_TEST(anUnknownFieldMayBeThePasswordSoItIsNotCalledEmpty);
  CPPUNIT_TEST(whatLacksAContactsKeysIsNoContact);
  CPPUNIT_TEST(anEchoIsReadFromTheAnswerOfAWrite);
  CPPUNIT_TEST(bothErrorFamiliesAreUnderstood);
  CPPUNIT_TEST(anUnknownRouteIsNoMissingContact);
  CPPUNIT_TEST(wordsOfAnErrorNeverHoldWhatWeSent);
  CPPUNIT_TEST(aTextThatHoldsAnotherIsHiddenWhole);
  CPPUNIT_TEST(aHugeErrorIsCutBetweenItsEntries);
  CPPUNIT_TEST(retryAfterIsSecondsOrADate);
  CPPUNIT_TEST_SUITE_END();

  void anIdMayBeTextOrNumber() {
    CPPUNIT_ASSERT(readId(json::Value("42")) == 42);
    CPPUNIT_ASSERT(readId(json::Value(42)) == 42);
    CPPUNIT_ASSERT(!readId(json::Value("")));
    CPPUNIT_ASSERT(!readId(json::Value("0")));
    CPPUNIT_ASSERT(!readId(json::Value(true)));
    CPPUNIT_ASSERT(!readId(json::Value(-1)));
    CPPUNIT_ASSERT(!readId(json::Value()));
  }

  void aContactWithEverythingIncludedIsReadWhole() {
    const auto root = golden("contact_included.json");
    const auto read = readContactRow(root["contact"], root, knownFields());
    CPPUNIT_ASSERT(read);
    const ContactSnapshot& contact = read->snapshot;
    CPPUNIT_ASSERT(contact.id == 108);
    CPPUNIT_ASSERT(contact.email == Email::parse("anna.meier@example.com"));
    CPPUNIT_ASSERT_EQUAL(std::string("\xC3\x84nna"), contact.firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("+15550100"), contact.phone);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({12, 66}));
    CPPUNIT_ASSERT(contact.lists ==
                   std::vector<ListMembership>({ListMembership{3, 1}, ListMembership{7, 2}}));
    CPPUNIT_ASSERT_EQUAL(std::string("2021-03-23T11:04:43.000Z"),
                         formatRfc3339(*contact.updatedAt));
    CPPUNIT_ASSERT(!read->unknownNames);
  }

  void aContactWithoutIncludeHasNoTagsRatherThanNone() {
    const auto root = golden("contact.json");
    const auto read = readContactRow(root["contact"], root, knownFields());
    CPPUNIT_ASSERT(read);
    CPPUNIT_ASSERT(!read->snapshot.tags);
    CPPUNIT_ASSERT(read->snapshot.fields);
    CPPUNIT_ASSERT(read->snapshot.lists);
  }

  void rowsOfOtherContactsAreNotMixedIn() {
    const auto root = golden("contacts_included.json");
    const auto& rows = *root["contacts"].asArray();
    const auto other = readContactRow(rows[0], root, knownFields());
    CPPUNIT_ASSERT(other->snapshot.tags == std::vector<TagId>({66}));
    CPPUNIT_ASSERT(other->snapshot.fields == FieldValues({{"CITY", "Sydney"}}));
    CPPUNIT_ASSERT(other->snapshot.lists->empty());
    CPPUNIT_ASSERT(!other->snapshot.updatedAt);
    CPPUNIT_ASSERT(other->snapshot.password->empty());
    const auto anna = readContactRow(rows[1], root, knownFields());
    CPPUNIT_ASSERT(anna->snapshot.tags == std::vector<TagId>({12, 66}));
    CPPUNIT_ASSERT_EQUAL(std::string("Berlin"), anna->snapshot.fields->at("CITY"));
  }

  void aPartWhoseRowsAreNotAllThereIsAbsent() {
    const auto root = parsed(R"({"contact":{"id":"5","email":"a@b.c","firstName":"","lastName":"",
      "phone":"","contactTags":["1","2"],"fieldValues":["9"],"contactLists":[]},
      "contactTags":[{"id":"1","contact":"5","tag":"7"}],"fieldValues":[],"contactLists":[]})");
    const auto read = readContactRow(root["contact"], root, knownFields());
    CPPUNIT_ASSERT(!read->snapshot.tags);
    CPPUNIT_ASSERT(!read->snapshot.fields);
    CPPUNIT_ASSERT(!read->snapshot.password);
    CPPUNIT_ASSERT(read->snapshot.lists->empty());
  }

  void theHiddenFieldGoesToThePasswordAndNowhereElse() {
    const auto root = golden("contact.json");
    const auto read = readContactRow(root["contact"], root, knownFields());
    CPPUNIT_ASSERT(read->snapshot.password->equals("s3cret-Password"));
    CPPUNIT_ASSERT(read->snapshot.fields ==
                   FieldValues({{"CITY", "Berlin"}, {"COLOURS", "||red||blue||"}}));
  }

  void aContactWithoutAValueRowHasAnEmptyPassword() {
    ContactRead read;
    read.snapshot.id = 5;
    CPPUNIT_ASSERT(readFieldRows(parsed(R"({"fieldValues":[]})"), knownFields(), read));
    CPPUNIT_ASSERT(read.snapshot.password && read.snapshot.password->empty());
    CPPUNIT_ASSERT(readFieldRows(
        parsed(R"({"fieldValues":[{"contact":"5","field":"3","value":null,"id":"1"}]})"),
        knownFields(), read));
    CPPUNIT_ASSERT(read.snapshot.password && read.snapshot.password->empty());
    ContactRead none;
    CPPUNIT_ASSERT(!readFieldRows(parsed(R"({"contact":{}})"), knownFields(), none));
    CPPUNIT_ASSERT(!none.snapshot.password);
  }

  void anUnknownFieldMayBeThePasswordSoItIsNotCalledEmpty() {
    ContactRead read;
    read.snapshot.id = 5;
    const auto root = parsed(R"({"fieldValues":[{"contact":5,"field":77,"value":"x","id":"1"}]})");
    CPPUNIT_ASSERT(readFieldRows(root, knownFields(), read));
    CPPUNIT_ASSERT(read.unknownNames);
    CPPUNIT_ASSERT(!read.snapshot.password);
    CPPUNIT_ASSERT(read.snapshot.fields->empty());
  }

  void whatLacksAContactsKeysIsNoContact() {
    const auto view = knownFields();
    for (const char* text : {R"({})", R"({"id":"5"})", R"({"id":"5","email":"a@b.c"})",
                             R"({"email":"a@b.c","firstName":"","lastName":"","phone":""})"}) {
      const auto root = parsed(text);
      CPPUNIT_ASSERT(!readContactRow(root, root, view));
    }
  }

  void anEchoIsReadFromTheAnswerOfAWrite() {
    const auto root = golden("contact_written.json");
    CPPUNIT_ASSERT(readEcho(root, 108, 3) == "n3w-Password");
    CPPUNIT_ASSERT(!readEcho(root, 109, 3));
    CPPUNIT_ASSERT(!readEcho(root, 108, 4));
    CPPUNIT_ASSERT(!readEcho(parsed("{}"), 108, 3));
  }

  void bothErrorFamiliesAreUnderstood() {
    CPPUNIT_ASSERT_EQUAL(std::string("No Result found for Subscriber with id 1"),
                         errorWords(golden("error_message.json")));
    CPPUNIT_ASSERT(saysMissing(golden("error_message.json")));
    CPPUNIT_ASSERT(saysDuplicate(golden("error_duplicate.json")));
    CPPUNIT_ASSERT(!saysDuplicate(golden("error_email.json")));
    CPPUNIT_ASSERT_EQUAL(std::string("Forbidden: You do not have permission to view lists."),
                         errorWords(golden("error_forbidden.json")));
    CPPUNIT_ASSERT_EQUAL(std::string("Rate limit: too many: invalid email"),
                         errorWords(golden("error_import.json")));
    CPPUNIT_ASSERT(saysCannotEnter(parsed(R"({"message":"Could not create SubscriberSeries"})")));
    CPPUNIT_ASSERT(errorWords(parsed("[]")).empty());
  }

  void anUnknownRouteIsNoMissingContact() {
    CPPUNIT_ASSERT(!saysMissing(parsed(R"({"message":"No route found for \"GET /api/3/x\""})")));
    CPPUNIT_ASSERT(!saysMissing(parsed(R"({"message":"Route not found"})")));
    CPPUNIT_ASSERT(!saysMissing(parsed("{}")));
  }

  void wordsOfAnErrorNeverHoldWhatWeSent() {
    CPPUNIT_ASSERT_EQUAL(std::string("There is a field named '***'"),
                         safeWords("There is a field named 'hunter2'", {"hunter2"}));
    CPPUNIT_ASSERT_EQUAL(std::string("*** is taken"), safeWords("<a@b.c> is taken", {}));
    CPPUNIT_ASSERT_EQUAL(std::string("a b  c"), safeWords("a\nb \rc", {}));
    const std::string cut = safeWords(std::string(199, 'x') + "\xC3\x84", {});
    CPPUNIT_ASSERT_EQUAL(std::string(199, 'x'), cut);
  }

  void aTextThatHoldsAnotherIsHiddenWhole() {
    CPPUNIT_ASSERT_EQUAL(std::string("'***' and '***'"),
                         safeWords("'hunter22' and 'hunter'", {"hunter", "hunter22"}));
  }

  void aHugeErrorIsCutBetweenItsEntries() {
    json::Array errors;
    errors.push_back(json::Object{{"title", "First"}});
    errors.push_back(json::Object{{"title", std::string(1 << 20, 'x')}});
    for (int i = 0; i < 100000; ++i) errors.push_back(json::Object{{"title", std::to_string(i)}});
    const std::string words = errorWords(json::Object{{"errors", std::move(errors)}});
    CPPUNIT_ASSERT_EQUAL(std::string("First: 0: 1"), words.substr(0, 11));
    CPPUNIT_ASSERT(words.size() < 5000);
  }

  void retryAfterIsSecondsOrADate() {
    const Instant now = *parseIso8601("2026-01-31T09:30:00Z");
    CPPUNIT_ASSERT(readRetryAfter("30", now) == 30s);
    CPPUNIT_ASSERT(readRetryAfter("0", now) == 0s);
    CPPUNIT_ASSERT(readRetryAfter("Sat, 31 Jan 2026 09:30:45 GMT", now) == 45s);
    CPPUNIT_ASSERT(readRetryAfter("Sat, 31 Jan 2026 09:29:00 GMT", now) == 0s);
    for (const char* text : {"", "-1", "soon", "1.5", "30s"}) {
      CPPUNIT_ASSERT(!readRetryAfter(text, now));
      CPPUNIT_ASSERT(!readHttpDate(text));
    }
    CPPUNIT_ASSERT(readHttpDate("Sat, 31 Jan 2026 09:30:45 GMT") == now + 45s);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RepliesTest);

}  // namespace
}  // namespace mbr::activecampaign
