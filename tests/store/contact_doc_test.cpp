// The hand-written JSON of a contact's row.
#include "store/sql/contact_doc.h"

#include <cppunit/extensions/HelperMacros.h>

#include "base/json.h"

namespace mbr::test {
namespace {

using namespace store::sql;

class ContactDocTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactDocTest);
  CPPUNIT_TEST(anEmptyContactIsAShortText);
  CPPUNIT_TEST(whatIsWrittenIsJson);
  CPPUNIT_TEST(everyEscapeIsRead);
  CPPUNIT_TEST(tagsAreReadWithoutTheRest);
  CPPUNIT_TEST(anUnknownKeyIsSkipped);
  CPPUNIT_TEST(aBrokenTextIsSeen);
  CPPUNIT_TEST(everyCutOfATextIsSeen);
  CPPUNIT_TEST_SUITE_END();

  static Contact full() {
    Contact contact;
    contact.tags = {1, 22};
    contact.firstName = "A\"\\\n\x01 \xF0\x9F\x98\x80";
    contact.fields = {{"CITY", "Rome"}, {"N", ""}};
    contact.lists = {{3, 1}};
    contact.createdAt = fromEpochMs(1234567890123);
    return contact;
  }

  void anEmptyContactIsAShortText() {
    CPPUNIT_ASSERT_EQUAL(std::string("{\"tags\":[]}"), writeContactDoc(Contact{}));
  }

  void whatIsWrittenIsJson() {
    const auto parsed = json::parse(writeContactDoc(full()));
    CPPUNIT_ASSERT(parsed.ok());
    CPPUNIT_ASSERT_EQUAL(full().firstName, *(*parsed)["first_name"].asString());
    CPPUNIT_ASSERT_EQUAL(std::string("Rome"), *(*parsed)["fields"]["CITY"].asString());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, (*parsed)["tags"].asArray()->size());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1234567890123}, *(*parsed)["created_at"].asInt());
  }

  void everyEscapeIsRead() {
    Contact contact;
    const std::string doc =
        R"({"tags":[],"phone":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00"})";
    CPPUNIT_ASSERT(readContactDoc(doc, contact));
    CPPUNIT_ASSERT_EQUAL(std::string("\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
                         contact.phone);
  }

  void tagsAreReadWithoutTheRest() {
    CPPUNIT_ASSERT((tagsOfDoc(writeContactDoc(full())) == std::vector<TagId>{1, 22}));
    CPPUNIT_ASSERT(tagsOfDoc("{}").empty());
  }

  void anUnknownKeyIsSkipped() {
    Contact contact;
    CPPUNIT_ASSERT(readContactDoc(
        R"({"tags":[5],"later":{"a":[1,-2.5,"x,]}",{}],"b":null},"z":true,"phone":"1"})", contact));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), contact.phone);
    CPPUNIT_ASSERT((contact.tags == std::vector<TagId>{5}));
  }

  void aBrokenTextIsSeen() {
    for (const char* bad : {"", "[]", "{", "{\"tags\":[1,]}", "{\"tags\":[]}x", "{\"phone\":1}",
                            "{\"phone\":\"\\x\"}", "{\"phone\":\"\\ud83d\"}",
                            "{\"phone\":\"\\u12\"}", "{\"created_at\":\"x\"}", "{tags:[]}"}) {
      Contact contact;
      CPPUNIT_ASSERT_MESSAGE(bad, !readContactDoc(bad, contact));
    }
    CPPUNIT_ASSERT(
        !readContactDoc("{\"later\":" + std::string(100, '['), *std::make_unique<Contact>()));
  }

  void everyCutOfATextIsSeen() {
    const std::string doc = writeContactDoc(full());
    for (std::size_t size = 0; size < doc.size(); ++size) {
      Contact contact;
      CPPUNIT_ASSERT(!readContactDoc(doc.substr(0, size), contact));
    }
    const std::string own =
        writeOwnChanges({{OwnChange::Kind::kField, 0, "CITY", "a\"b", fromEpochMs(5)}});
    for (std::size_t size = 1; size < own.size(); ++size) {
      std::vector<OwnChange> changes;
      CPPUNIT_ASSERT(!readOwnChanges(own.substr(0, size), changes));
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ContactDocTest);

}  // namespace
}  // namespace mbr::test
