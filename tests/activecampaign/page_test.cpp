#include <cppunit/extensions/HelperMacros.h>

#include "activecampaign/client_fixture.h"
#include "base/time_format.h"

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;

const std::string kInclude = "&include=contactTags.tag,fieldValues,contactLists";

// A page as the account writes it, contact by contact.
class Page {
 public:
  explicit Page(bool sideRows = true) : sideRows_(sideRows) {}

  // With tag 66, "v" + id in field 1, the password "p" + id and list 7; rows as ids say.
  Page& add(json::Value id) {
    const std::string text = id.textOr("");
    const auto row = [&](int number) { return text + std::to_string(number); };
    json::Object contact{{"id", id},         {"email", "c" + text + "@example.com"},
                         {"firstName", "A"}, {"lastName", ""},
                         {"phone", ""},      {"udate", "2026-01-02T03:04:05-06:00"}};
    if (sideRows_) {
      contact.set("contactTags", json::Array{row(1)});
      contact.set("fieldValues", json::Array{row(2), row(3)});
      contact.set("contactLists", json::Array{row(4)});
    }
    contacts_.push_back(std::move(contact));
    tags_.push_back(json::Object{{"id", row(1)}, {"contact", text}, {"tag", "66"}});
    values_.push_back(
        json::Object{{"id", row(2)}, {"contact", text}, {"field", "1"}, {"value", "v" + text}});
    values_.push_back(
        json::Object{{"id", row(3)}, {"contact", text}, {"field", 3}, {"value", "p" + text}});
    lists_.push_back(
        json::Object{{"id", row(4)}, {"contact", text}, {"list", "7"}, {"status", "1"}});
    return *this;
  }
  Page& add(int id) { return add(json::Value(std::to_string(id))); }
  Page& addAll(int from, int to) {
    for (int i = from; i < to; ++i) add(i);
    return *this;
  }
  Page& total(const char* text) {
    total_ = text;
    return *this;
  }
  json::Array& contacts() { return contacts_; }
  json::Array& tags() { return tags_; }
  json::Array& values() { return values_; }

  std::string text() const {
    json::Object root{{"scoreValues", json::Array{}}};
    if (sideRows_) {
      root.set("contactTags", tags_);
      root.set("fieldValues", values_);
      root.set("contactLists", lists_);
    }
    root.set("contacts", contacts_);
    if (!total_.empty()) root.set("meta", json::Object{{"total", total_}});
    return json::write(std::move(root));
  }

 private:
  bool sideRows_;
  std::string total_;
  json::Array contacts_, tags_, values_, lists_;
};

class PageTest : public test::ClientFixture {
  CPPUNIT_TEST_SUITE(PageTest);
  CPPUNIT_TEST(aPageIsOneCallAndHoldsEverything);
  CPPUNIT_TEST(aPageAfterAnInstantNamesItWithItsOffset);
  CPPUNIT_TEST(idsMayBeNumbers);
  CPPUNIT_TEST(everyContactIsAsOfTheRequestsSending);
  CPPUNIT_TEST(idsThatDoNotAscendAreNoPage);
  CPPUNIT_TEST(anAccountThatIgnoresIdGreaterIsAnError);
  CPPUNIT_TEST(anEmptyPageSaysWhatIsSaidToRemain);
  CPPUNIT_TEST(whatIsNoPageIsAnError);
  CPPUNIT_TEST(aPageLongerThanAskedIsCutAtItsSize);
  CPPUNIT_TEST(withoutIncludePartsAreAbsentAndItIsNotAskedForAgain);
  CPPUNIT_TEST(anEmptyPageSaysNothingAboutInclude);
  CPPUNIT_TEST(aPartWithAMissingRowIsAbsentForThatContactAlone);
  CPPUNIT_TEST(aRowWithoutAnOwnerBelongsToNobodyOnAPage);
  CPPUNIT_TEST(aRowWithoutAnOwnerBelongsToTheOnlyContact);
  CPPUNIT_TEST(chosenContactsComeInOrderAndOnce);
  CPPUNIT_TEST(contactsThatWereNotAskedForAreLeftOut);
  CPPUNIT_TEST(noIdsAreNoCallAndTooManyAreRefused);
  CPPUNIT_TEST(aPageOfManyRowsIsReadInTimeProportionalToThem);
  CPPUNIT_TEST_SUITE_END();

  Result<ContactPage> read(ContactId after = 0) {
    return client.readPage(call(), {after, std::nullopt}, view);
  }
  static std::vector<ContactId> idsOf(const ContactPage& page) {
    std::vector<ContactId> ids;
    for (const ContactRead& each : page.contacts) ids.push_back(each.snapshot.id);
    return ids;
  }
  void assertUnreadable(const std::string& body, const std::string& words, ContactId after = 0) {
    network.answer(200, body);
    const auto page = read(after);
    CPPUNIT_ASSERT_MESSAGE(body, !page);
    CPPUNIT_ASSERT(page.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT_EQUAL(words, page.error().detail);
  }

  void aPageIsOneCallAndHoldsEverything() {
    network.answer(200, Page().add(8).add(11).total("30").text());
    const auto page = read(7);
    CPPUNIT_ASSERT(page);
    CPPUNIT_ASSERT(idsOf(*page) == std::vector<ContactId>({8, 11}));
    CPPUNIT_ASSERT(page->remaining == 30);
    const ContactSnapshot& second = page->contacts[1].snapshot;
    CPPUNIT_ASSERT(second.email == Email::parse("c11@example.com"));
    CPPUNIT_ASSERT(second.tags == std::vector<TagId>({66}));
    CPPUNIT_ASSERT(second.fields == FieldValues({{"FIELD1", "v11"}}));
    CPPUNIT_ASSERT(second.password->equals("p11"));
    CPPUNIT_ASSERT(second.lists == std::vector<ListMembership>({ListMembership{7, 1}}));
    CPPUNIT_ASSERT_EQUAL("GET contacts?limit=100&orders[id]=ASC&id_greater=7" + kInclude + "\n",
                         network.lines());
    CPPUNIT_ASSERT(network.sent()[0].repeatable);
    CPPUNIT_ASSERT(features.includes(Features::Read::kPage) == true);
  }

  void aPageAfterAnInstantNamesItWithItsOffset() {
    network.answer(200, Page().add(8).text());
    const PageQuery query{0, parseIso8601("2026-01-02T05:04:05.789+02:00")};
    const auto page = client.readPage(call(), query, view);
    CPPUNIT_ASSERT(page);
    CPPUNIT_ASSERT(!page->remaining);
    CPPUNIT_ASSERT_EQUAL(
        "GET contacts?limit=100&orders[id]=ASC&id_greater=0&filters[updated_after]="
        "2026-01-02T03:04:05+00:00" +
            kInclude + "\n",
        network.lines());
  }

  void idsMayBeNumbers() {
    network.answer(200, Page().add(json::Value(8)).add(json::Value(9)).text());
    const auto page = read();
    CPPUNIT_ASSERT(page);
    CPPUNIT_ASSERT(idsOf(*page) == std::vector<ContactId>({8, 9}));
    CPPUNIT_ASSERT(page->contacts[0].snapshot.tags == std::vector<TagId>({66}));
  }

  void everyContactIsAsOfTheRequestsSending() {
    const Instant sent = clock.now();
    network.meanwhile([this] { clock.advance(3s); }).answer(200, Page().add(8).add(9).text());
    const auto page = read();
    for (const ContactRead& each : page->contacts) CPPUNIT_ASSERT(each.snapshot.sentAt == sent);
  }

  void idsThatDoNotAscendAreNoPage() {
    assertUnreadable(Page().add(8).add(8).text(), "the ids of the page do not ascend");
    assertUnreadable(Page().add(9).add(8).text(), "the ids of the page do not ascend");
  }

  void anAccountThatIgnoresIdGreaterIsAnError() {
    assertUnreadable(Page().addAll(1, 101).text(), "the account ignores id_greater", 100);
    assertUnreadable(Page().add(100).add(101).text(), "the account ignores id_greater", 100);
  }

  void anEmptyPageSaysWhatIsSaidToRemain() {
    for (const char* total : {"12", "0", ""}) {
      network.answer(200, Page().total(total).text());
      const auto page = read(5);
      CPPUNIT_ASSERT(page);
      CPPUNIT_ASSERT(page->contacts.empty());
      const auto said = *total == 0 ? std::nullopt : std::optional<std::int64_t>(std::stoi(total));
      CPPUNIT_ASSERT(page->remaining == said);
    }
  }

  void whatIsNoPageIsAnError() {
    const std::string whole = Page().add(8).text();
    const std::string words = "ActiveCampaign answers 200 without readable JSON";
    assertUnreadable(whole.substr(0, whole.size() / 2), words);
    assertUnreadable("", words);
    assertUnreadable("{}", "the answer holds no contacts");
    assertUnreadable(R"({"contacts":{"8":{}}})", "the answer holds no contacts");
    Page page;
    page.add(8).add(9);
    page.contacts()[1] = json::Object{{"id", "9"}, {"email", "x@example.com"}};
    assertUnreadable(page.text(), "the answer holds what is no contact");
    network.answer(503, "<html>");
    CPPUNIT_ASSERT(read().error().code == Code::kUnavailable);
  }

  void aPageLongerThanAskedIsCutAtItsSize() {
    network.answer(200, Page().addAll(1, 151).text());
    const auto page = read();
    CPPUNIT_ASSERT(page);
    CPPUNIT_ASSERT_EQUAL(std::size_t{kPageSize}, page->contacts.size());
    CPPUNIT_ASSERT(page->contacts.back().snapshot.id == 100);
  }

  void withoutIncludePartsAreAbsentAndItIsNotAskedForAgain() {
    const std::string plain = Page(false).add(8).add(9).text();
    network.answer(200, plain).answer(200, plain);
    for (int i = 0; i < 2; ++i) {
      const auto page = read();
      CPPUNIT_ASSERT(page);
      for (const ContactRead& each : page->contacts) {
        CPPUNIT_ASSERT(!each.snapshot.tags && !each.snapshot.fields && !each.snapshot.lists);
        CPPUNIT_ASSERT(!each.snapshot.password);
      }
    }
    CPPUNIT_ASSERT(features.includes(Features::Read::kPage) == false);
    const std::string line = "GET contacts?limit=100&orders[id]=ASC&id_greater=0";
    CPPUNIT_ASSERT_EQUAL(line + kInclude + "\n" + line + "\n", network.lines());
  }

  void anEmptyPageSaysNothingAboutInclude() {
    network.answer(200, Page(false).text());
    CPPUNIT_ASSERT(read());
    CPPUNIT_ASSERT(!features.includes(Features::Read::kPage));
  }

  void aPartWithAMissingRowIsAbsentForThatContactAlone() {
    Page page;
    page.addAll(1, 4);
    page.tags().erase(page.tags().begin() + 1);      // of contact 2
    page.values().erase(page.values().begin() + 5);  // the password of contact 3
    network.answer(200, page.text());
    const auto read = this->read();
    CPPUNIT_ASSERT(read);
    const auto snapshot = [&](int i) {
      return read->contacts[static_cast<std::size_t>(i)].snapshot;
    };
    CPPUNIT_ASSERT(snapshot(0).tags && snapshot(0).fields && snapshot(0).lists);
    CPPUNIT_ASSERT(!snapshot(1).tags && snapshot(1).fields && snapshot(1).lists);
    CPPUNIT_ASSERT(snapshot(2).tags && !snapshot(2).fields && snapshot(2).lists);
    CPPUNIT_ASSERT(!snapshot(2).password);
  }

  void aRowWithoutAnOwnerBelongsToNobodyOnAPage() {
    Page page;
    page.add(8).add(9);
    page.tags()[1] = json::Object{{"id", "91"}, {"tag", "66"}};
    network.answer(200, page.text());
    auto read = this->read();
    CPPUNIT_ASSERT(read->contacts[0].snapshot.tags == std::vector<TagId>({66}));
    CPPUNIT_ASSERT(!read->contacts[1].snapshot.tags);
    // It could be anybody's who does not say what is his.
    for (json::Value& contact : page.contacts()) contact.asObject()->set("contactTags", nullptr);
    network.answer(200, page.text());
    read = this->read();
    CPPUNIT_ASSERT(!read->contacts[0].snapshot.tags);
    CPPUNIT_ASSERT(read->contacts[0].snapshot.fields);
  }

  void aRowWithoutAnOwnerBelongsToTheOnlyContact() {
    Page page;
    page.add(8);
    page.tags()[0] = json::Object{{"id", "81"}, {"tag", "66"}};
    network.answer(200, page.text());
    CPPUNIT_ASSERT(read()->contacts[0].snapshot.tags == std::vector<TagId>({66}));
  }

  void chosenContactsComeInOrderAndOnce() {
    network.answer(200, Page().add(9).add(5).add(9).total("3").text());
    const auto page = client.readContacts(call(), {9, 5, 7, 5}, view);
    CPPUNIT_ASSERT(page);
    CPPUNIT_ASSERT(idsOf(*page) == std::vector<ContactId>({5, 9}));
    CPPUNIT_ASSERT(page->contacts[0].snapshot.tags == std::vector<TagId>({66}));
    CPPUNIT_ASSERT(page->contacts[0].snapshot.sentAt == clock.now());
    CPPUNIT_ASSERT_EQUAL("GET contacts?limit=100&ids[]=5&ids[]=7&ids[]=9" + kInclude + "\n",
                         network.lines());
  }

  void contactsThatWereNotAskedForAreLeftOut() {
    network.answer(200, Page().addAll(1, 101).total("5000").text());
    const auto page = client.readContacts(call(), {50, 2000}, view);
    CPPUNIT_ASSERT(page);
    CPPUNIT_ASSERT(idsOf(*page) == std::vector<ContactId>({50}));
    CPPUNIT_ASSERT(page->remaining == 5000);
    network.answer(200, Page().text());
    CPPUNIT_ASSERT(client.readContacts(call(), {50}, view)->contacts.empty());
    network.answer(200, "{}");
    CPPUNIT_ASSERT(client.readContacts(call(), {50}, view).error().code == Code::kUnavailable);
  }

  void noIdsAreNoCallAndTooManyAreRefused() {
    CPPUNIT_ASSERT(client.readContacts(call(), {}, view)->contacts.empty());
    std::vector<ContactId> many;
    for (int i = 1; i <= kPageSize + 1; ++i) many.push_back(i);
    CPPUNIT_ASSERT(client.readContacts(call(), many, view).error().code == Code::kInvalid);
    CPPUNIT_ASSERT(network.sent().empty());
  }

  // 100 contacts with 400 values each: a scan of all rows for each contact would look at four
  // million of them, and as many again for the ids.
  void aPageOfManyRowsIsReadInTimeProportionalToThem() {
    const auto timeFor = [this](int valuesEach) {
      Page page;
      page.addAll(1, 101);
      for (int contact = 1; contact <= 100; ++contact) {
        for (int i = 0; i < valuesEach; ++i) {
          page.values().push_back(json::Object{{"id", std::to_string(1000000 + contact * 1000 + i)},
                                               {"contact", std::to_string(contact)},
                                               {"field", std::to_string(10 + i)},
                                               {"value", "x"}});
        }
      }
      network.answer(200, page.text());
      const auto start = std::chrono::steady_clock::now();
      const auto page100 = read();
      const auto took = std::chrono::steady_clock::now() - start;
      CPPUNIT_ASSERT(page100);
      CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(valuesEach) + 1,
                           page100->contacts[99].snapshot.fields->size());
      return took;
    };
    timeFor(40);
    CPPUNIT_ASSERT(timeFor(400) < 30 * timeFor(40) + 200ms);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PageTest);

}  // namespace
}  // namespace mbr::activecampaign
