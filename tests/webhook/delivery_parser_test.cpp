#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "base/time_format.h"
#include "webhook/delivery_parser.h"

namespace mbr::webhook {
namespace {

const Instant kReceivedAt = *parseIso8601("2026-07-18T03:02:00Z");
const Instant kHappenedAt = *parseIso8601("2026-07-17T22:01:25-05:00");

// As the app's: the password field by id and by tag, in any case.
bool isHidden(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower == "39" || lower == "password";
}

std::string golden(const std::string& name) {
  std::ifstream file(std::string(MBR_TEST_DATA) + "/webhooks/" + name + ".form");
  CPPUNIT_ASSERT_MESSAGE("no golden body " + name, file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<Delivery> parseText(std::string_view body) {
  const auto form = http::parseForm(body);
  CPPUNIT_ASSERT(form);
  return parseDelivery(*form, kReceivedAt, isHidden);
}

Delivery parseGolden(const std::string& name) {
  auto delivery = parseText(golden(name));
  CPPUNIT_ASSERT_MESSAGE(name, delivery);
  return *delivery;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

}  // namespace

class DeliveryParserTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DeliveryParserTest);
  CPPUNIT_TEST(anAutomationBodyIsReadByItsRawKeys);
  CPPUNIT_TEST(anAbsentKeyIsNotAnEmptyValue);
  CPPUNIT_TEST(namesInUtf8AreKeptAsReceived);
  CPPUNIT_TEST(anEventBodyIsReadByItsRawKeys);
  CPPUNIT_TEST(listZeroIsNoList);
  CPPUNIT_TEST(aTagEventNamesTheOneTagWithItsComma);
  CPPUNIT_TEST(theTagMayStandInBrackets);
  CPPUNIT_TEST(ofSeveralListsTheLastCounts);
  CPPUNIT_TEST(aTimeWithoutAnOffsetSaysNothing);
  CPPUNIT_TEST(aTimeFromTheFutureIsNotBelieved);
  CPPUNIT_TEST(rawBracketsAreAccepted);
  CPPUNIT_TEST(aDealsTagAndListAreNotTheContacts);
  CPPUNIT_TEST(aBodyWithoutAContactIsTold);
  CPPUNIT_TEST(eventsOfOtherThingsNeedNoContact);
  CPPUNIT_TEST(aBodyWithNeitherTypeNorSeriesIsReadLikeAnAutomations);
  CPPUNIT_TEST(anIdThatIsNoPositiveIntegerIsRefused);
  CPPUNIT_TEST(anEmailThatIsNoneCountsAsAbsentBesideAnId);
  CPPUNIT_TEST(anEmailThatIsNoneIsRefusedWithoutAnId);
  CPPUNIT_TEST(anEmailAloneIsEnough);
  CPPUNIT_TEST(ofARepeatedKeyTheLastCounts);
  CPPUNIT_TEST(hiddenFieldsAreDroppedInEverySpelling);
  CPPUNIT_TEST(aTypeThatIsNoWordIsRefused);
  CPPUNIT_TEST_SUITE_END();

  void anAutomationBodyIsReadByItsRawKeys() {
    const Delivery delivery = parseGolden("automation");
    CPPUNIT_ASSERT(delivery.dialect == Delivery::Dialect::kAutomation);
    CPPUNIT_ASSERT_EQUAL(std::string(), delivery.eventType);
    CPPUNIT_ASSERT(!delivery.happenedAt);
    CPPUNIT_ASSERT(delivery.receivedAt == kReceivedAt);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, delivery.contactId.value());
    CPPUNIT_ASSERT_EQUAL(std::string("jane.doe@example.com"), delivery.email->text());
    CPPUNIT_ASSERT_EQUAL(std::string("O'Neill"), delivery.lastName.value());
    CPPUNIT_ASSERT_EQUAL(std::string("+1 555 0100"), delivery.phone.value());
    CPPUNIT_ASSERT_EQUAL(std::string("Customer, VIP, Course: A, B & C"), delivery.tagText.value());
    const Fields fields{{"birth-date", "1980-02-29"},
                        {"interests", "||Tea||Coffee||"},
                        {"company", "Smith &amp; Sons"},
                        {"bio", ""}};
    CPPUNIT_ASSERT(delivery.fields == fields);
    CPPUNIT_ASSERT(!delivery.changedTag && !delivery.list);
    CPPUNIT_ASSERT(delivery.followUp.empty());
  }

  void anAbsentKeyIsNotAnEmptyValue() {
    const Delivery delivery = parseGolden("automation_without_tags_and_email");
    CPPUNIT_ASSERT(!delivery.email);
    CPPUNIT_ASSERT(!delivery.tagText);
    CPPUNIT_ASSERT(!delivery.phone);
    CPPUNIT_ASSERT_EQUAL(std::string(), delivery.firstName.value());
    CPPUNIT_ASSERT(delivery.fields.empty());
  }

  void namesInUtf8AreKeptAsReceived() {
    const Delivery delivery = parseGolden("automation_utf8");
    CPPUNIT_ASSERT_EQUAL(std::string("müller@example.com"), delivery.email->text());
    CPPUNIT_ASSERT_EQUAL(std::string("Jürgen 😀"), delivery.firstName.value());
    CPPUNIT_ASSERT_EQUAL(std::string("Größe/XL, 会員"), delivery.tagText.value());
  }

  void anEventBodyIsReadByItsRawKeys() {
    const Delivery delivery = parseGolden("event_subscribe");
    CPPUNIT_ASSERT(delivery.dialect == Delivery::Dialect::kEvent);
    CPPUNIT_ASSERT_EQUAL(std::string("subscribe"), delivery.eventType);
    CPPUNIT_ASSERT(delivery.happenedAt == kHappenedAt);
    CPPUNIT_ASSERT_EQUAL(ContactId{211}, delivery.contactId.value());
    CPPUNIT_ASSERT_EQUAL(ListId{3}, delivery.list.value());
    CPPUNIT_ASSERT_EQUAL(std::string("Newsletter"), delivery.tagText.value());
    const Fields fields{{"1", "blue"}, {"318", "||b||c||"}};
    CPPUNIT_ASSERT(delivery.fields == fields);
  }

  void listZeroIsNoList() { CPPUNIT_ASSERT(!parseGolden("event_subscribe_in_no_list").list); }

  void aTagEventNamesTheOneTagWithItsComma() {
    const Delivery delivery = parseGolden("event_tag_added");
    CPPUNIT_ASSERT_EQUAL(std::string("Buyers, 2026"), delivery.changedTag.value());
    CPPUNIT_ASSERT_EQUAL(std::string("Newsletter, Buyers, 2026"), delivery.tagText.value());
  }

  void theTagMayStandInBrackets() {
    const Delivery delivery = parseGolden("event_tag_removed_in_brackets");
    CPPUNIT_ASSERT_EQUAL(std::string("contact_tag_removed"), delivery.eventType);
    CPPUNIT_ASSERT_EQUAL(std::string("Buyers, 2026"), delivery.changedTag.value());
  }

  void ofSeveralListsTheLastCounts() {
    CPPUNIT_ASSERT_EQUAL(ListId{5}, parseGolden("event_unsubscribe_public").list.value());
    const auto indexed = parseText("type=unsubscribe&contact[id]=1&list[0][id]=8&list[1][id]=9");
    CPPUNIT_ASSERT_EQUAL(ListId{9}, indexed->list.value());
  }

  void aTimeWithoutAnOffsetSaysNothing() {
    const Delivery delivery = parseGolden("event_update_without_zone");
    CPPUNIT_ASSERT(delivery.dialect == Delivery::Dialect::kEvent);
    CPPUNIT_ASSERT(!delivery.happenedAt);
  }

  void aTimeFromTheFutureIsNotBelieved() {
    const auto at = [](const char* time) {
      return parseText("type=update&contact[id]=1&date_time=" + std::string(time))->happenedAt;
    };
    CPPUNIT_ASSERT(at("2026-07-18T03:06:59Z"));
    CPPUNIT_ASSERT(!at("2026-07-18T03:07:01Z"));
    CPPUNIT_ASSERT(!at("9999-12-31T23:59:59Z"));
    CPPUNIT_ASSERT(!at("yesterday"));
  }

  void rawBracketsAreAccepted() {
    const Delivery delivery = parseGolden("event_update_raw_brackets");
    CPPUNIT_ASSERT_EQUAL(ContactId{211}, delivery.contactId.value());
    const Fields fields{{"1", "a b"}};  // a nested value is no text
    CPPUNIT_ASSERT(delivery.fields == fields);
  }

  void aDealsTagAndListAreNotTheContacts() {
    const Delivery delivery = parseGolden("event_deal_update");
    CPPUNIT_ASSERT_EQUAL(std::string("deal_update"), delivery.eventType);
    CPPUNIT_ASSERT_EQUAL(ContactId{211}, delivery.contactId.value());
    CPPUNIT_ASSERT(!delivery.changedTag && !delivery.list);
    CPPUNIT_ASSERT(delivery.fields.empty());
  }

  void aBodyWithoutAContactIsTold() {
    for (const char* name : {"event_account_update", "event_update_without_contact"}) {
      const auto delivery = parseText(golden(name));
      CPPUNIT_ASSERT(!delivery);
      CPPUNIT_ASSERT(delivery.error().code == Code::kNotFound);
    }
    CPPUNIT_ASSERT(parseText("").error().code == Code::kNotFound);
    CPPUNIT_ASSERT(parseText("contact[email]=++&seriesid=1").error().code == Code::kNotFound);
  }

  void eventsOfOtherThingsNeedNoContact() {
    for (const char* type : {"subscribe", "update", "contact_tag_added", "unsubscribe", "open"}) {
      CPPUNIT_ASSERT_MESSAGE(type, isAboutContact(type));
    }
    for (const char* type : {"deal_add", "account_update", "list_add", "sent", "of_tomorrow", ""}) {
      CPPUNIT_ASSERT_MESSAGE(type, !isAboutContact(type));
    }
  }

  void aBodyWithNeitherTypeNorSeriesIsReadLikeAnAutomations() {
    const auto delivery = parseText("contact[id]=7&type=&contact[first_name]=Jo");
    CPPUNIT_ASSERT(delivery->dialect == Delivery::Dialect::kAutomation);
    CPPUNIT_ASSERT_EQUAL(std::string("Jo"), delivery->firstName.value());
  }

  void anIdThatIsNoPositiveIntegerIsRefused() {
    for (const char* id : {"", "0", "-1", "+1", "1.5", "1e3", "abc", "042", "%2042",
                           "9007199254740993", "99999999999999999999"}) {
      const auto delivery = parseText("contact[email]=a@b.example&contact[id]=" + std::string(id));
      CPPUNIT_ASSERT_MESSAGE(id, !delivery);
      CPPUNIT_ASSERT_MESSAGE(id, delivery.error().code == Code::kInvalid);
    }
  }

  void anEmailThatIsNoneCountsAsAbsentBesideAnId() {
    const auto delivery = parseText("contact[id]=42&contact[email]=not+an+address");
    CPPUNIT_ASSERT(delivery);
    CPPUNIT_ASSERT(!delivery->email);
  }

  void anEmailThatIsNoneIsRefusedWithoutAnId() {
    CPPUNIT_ASSERT(parseText("contact[email]=a@b@c").error().code == Code::kInvalid);
  }

  void anEmailAloneIsEnough() {
    const auto delivery = parseText("contact[email]=+A@B.example%0A");
    CPPUNIT_ASSERT(!delivery->contactId);
    CPPUNIT_ASSERT_EQUAL(std::string("a@b.example"), delivery->email->text());
  }

  void ofARepeatedKeyTheLastCounts() {
    const auto delivery = parseText(
        "contact[id]=1&contact[first_name]=A&contact[id]=2&contact[first_name]=B"
        "&contact[fields][x]=1&contact[fields][x]=2");
    CPPUNIT_ASSERT_EQUAL(ContactId{2}, delivery->contactId.value());
    CPPUNIT_ASSERT_EQUAL(std::string("B"), delivery->firstName.value());
    CPPUNIT_ASSERT_EQUAL(std::string("2"), delivery->fields.back().second);
  }

  void hiddenFieldsAreDroppedInEverySpelling() {
    const auto delivery = parseText(
        "contact[id]=1&contact[fields][39]=a&contact[fields][PassWord]=b"
        "&contact%5Bfields%5D%5Bpassword%5D=c&contact[fields][password][0]=d&contact[password]=e");
    CPPUNIT_ASSERT(delivery->fields.empty());
  }

  void aTypeThatIsNoWordIsRefused() {
    for (const std::string& type :
         {std::string("a%20b"), std::string("<script>"), std::string(65, 'a')}) {
      CPPUNIT_ASSERT(parseText("contact[id]=1&type=" + type).error().code == Code::kInvalid);
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DeliveryParserTest);

}  // namespace mbr::webhook
