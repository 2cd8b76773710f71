#include <cppunit/extensions/HelperMacros.h>

#include "base/json.h"
#include "contacts/contact_cache.h"

namespace mbr::contacts {

class ContactJsonTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactJsonTest);
  CPPUNIT_TEST(aContactIsRenderedWithItsNames);
  CPPUNIT_TEST(absentThingsAreNullOrEmpty);
  CPPUNIT_TEST(hiddenFieldsAreLeftOut);
  CPPUNIT_TEST(anyTextSurvivesTheWayThroughJson);
  CPPUNIT_TEST_SUITE_END();

  const Names names_{{{2, "Gold"}}, {}, {}, {}, true};

  void aContactIsRenderedWithItsNames() {
    Contact contact;
    contact.id = 42;
    contact.email = Email::parse("a@example.com");
    contact.firstName = "Ada";
    contact.fields = {{"CITY", "Turin"}};
    contact.tags = {2, 3};
    contact.lists = {{9, 1}};
    contact.createdAt = fromEpochMs(1700000000000);
    contact.confirmed = true;
    contact.version = 7;
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"id":"42","email":"a@example.com","first_name":"Ada","last_name":"",)"
                    R"("phone":"","tags":[{"id":"2","name":"Gold"},{"id":"3","name":""}],)"
                    R"("fields":{"CITY":"Turin"},"lists":[{"id":"9","status":1}],)"
                    R"("created_at":"2023-11-14T22:13:20.000Z","updated_at":null,)"
                    R"("as_of":"1970-01-01T00:00:00.000Z","confirmed":true,"version":7})"),
        renderContact(contact, names_));
  }

  void absentThingsAreNullOrEmpty() {
    const auto parsed = json::parse(renderContact(Contact{}, names_));
    CPPUNIT_ASSERT(parsed.ok());
    CPPUNIT_ASSERT((*parsed)["email"].isNull());
    CPPUNIT_ASSERT((*parsed)["tags"].asArray() != nullptr);
    CPPUNIT_ASSERT((*parsed)["fields"].asObject() != nullptr);
  }

  void hiddenFieldsAreLeftOut() {
    Contact contact;
    contact.fields = {{"A", "1"}, {"TOKEN", "x"}, {"Z", "2"}};
    const std::string json = renderContact(contact, names_, {"TOKEN"});
    CPPUNIT_ASSERT(json.find(R"("fields":{"A":"1","Z":"2"})") != std::string::npos);
  }

  void anyTextSurvivesTheWayThroughJson() {
    Contact contact;
    contact.firstName = "\"\\\n\t</script>\x01\xC3\xA9'--;";
    contact.fields = {{"A-B", "||a||b||"}, {"Q\"", "=1+1"}};
    const auto parsed = json::parse(renderContact(contact, names_));
    CPPUNIT_ASSERT(parsed.ok());
    CPPUNIT_ASSERT_EQUAL(contact.firstName, (*parsed)["first_name"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("=1+1"), (*parsed)["fields"]["Q\""].textOr(""));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ContactJsonTest);

}  // namespace mbr::contacts
