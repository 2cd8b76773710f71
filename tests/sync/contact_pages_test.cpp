#include "sync/rig.h"

namespace mbr::sync {

using Lines = std::vector<std::string>;

// ContactReader::readPage() and readMany().
class ContactPagesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactPagesTest);
  CPPUNIT_TEST(aPageHoldsEverythingOfItsContacts);
  CPPUNIT_TEST(aContactsPartsAreItsOwn);
  CPPUNIT_TEST(anEmptyFieldIsReadAsEmpty);
  CPPUNIT_TEST(withoutThePasswordFieldInTheDirectoryItIsFetchedFirst);
  CPPUNIT_TEST(withoutAPasswordFieldAPageSaysNothingOfPasswords);
  CPPUNIT_TEST(fieldsThatAreNewAreLearntAndThePageIsReadAgain);
  CPPUNIT_TEST(fieldsThatNobodyNamesAreLookedUpOnce);
  CPPUNIT_TEST(anAccountWithoutIncludeLeavesThePartsAbsent);
  CPPUNIT_TEST(aPageOfTheWrongContactsIsAnError);
  CPPUNIT_TEST(anUnreadablePageIsAnError);
  CPPUNIT_TEST(anEmptyPageSaysWhatRemains);
  CPPUNIT_TEST(onlyWhoWasAskedForIsHandedOut);
  CPPUNIT_TEST(manyAreAskedForById);
  CPPUNIT_TEST(theStampIsOfTheReadThatCounts);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;
  const StopFlag stop_;

  Result<ContactReader::Page> tryPage(ContactId after = 0) {
    const auto client = rig_.clients.lease();
    return rig_.reader.readPage(*client, {after, std::nullopt},
                                rig_.workshop.call(Lane::kBackfill, stop_));
  }
  ContactReader::Page page() {
    auto read = tryPage();
    CPPUNIT_ASSERT_MESSAGE(read ? "" : read.error().detail, read.ok());
    return std::move(*read);
  }
  ContactReader::Page many(const std::vector<ContactId>& ids) {
    const auto client = rig_.clients.lease();
    auto read = rig_.reader.readMany(*client, ids, rig_.workshop.call(Lane::kRefresh, stop_));
    CPPUNIT_ASSERT_MESSAGE(read ? "" : read.error().detail, read.ok());
    return std::move(*read);
  }

  void aPageHoldsEverythingOfItsContacts() {
    rig_.fillDirectories();
    rig_.account.people[42].fields = {{3, "theirs"}, {6, "Turin"}};
    rig_.account.people[42].tags = {{900, 2}, {901, 1}};
    const auto read = page();
    CPPUNIT_ASSERT_EQUAL(1, read.calls);
    CPPUNIT_ASSERT(read.remaining == std::optional<std::int64_t>(1));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read.contacts.size());
    const ContactSnapshot& snapshot = read.contacts.front();
    CPPUNIT_ASSERT(snapshot.email == Email::parse("a@example.com"));
    CPPUNIT_ASSERT(snapshot.tags == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT(snapshot.fields == FieldValues({{"CITY", "Turin"}}));
    CPPUNIT_ASSERT_EQUAL(std::string("theirs"), snapshot.password.value().reveal());
    CPPUNIT_ASSERT(snapshot.lists.has_value());
    CPPUNIT_ASSERT(snapshot.updatedAt == std::optional<Instant>(rig_.account.people[42].updated));
  }

  void aContactsPartsAreItsOwn() {
    rig_.fillDirectories();
    rig_.account.people[42].fields = {{3, "theirs"}};
    rig_.account.people[42].tags = {{900, 2}};
    rig_.account.people[43] = {"b@example.com", "Bea", {{6, "Rome"}}, {{901, 1}}, {}};
    const auto read = page();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, read.contacts.size());
    CPPUNIT_ASSERT(read.contacts[0].tags == std::vector<TagId>({2}));
    CPPUNIT_ASSERT(read.contacts[1].tags == std::vector<TagId>({1}));
    CPPUNIT_ASSERT(read.contacts[1].fields == FieldValues({{"CITY", "Rome"}}));
    CPPUNIT_ASSERT(read.contacts[1].password.value().empty());
  }

  void anEmptyFieldIsReadAsEmpty() {
    rig_.fillDirectories();
    CPPUNIT_ASSERT(page().contacts.front().password.value().empty());
    rig_.account.people[42].fields[3] = "";
    CPPUNIT_ASSERT(page().contacts.front().password.value().empty());
  }

  void withoutThePasswordFieldInTheDirectoryItIsFetchedFirst() {
    rig_.account.people[42].fields[3] = "theirs";
    const auto read = page();
    CPPUNIT_ASSERT(rig_.account.log() == Lines({"GET fields", "GET contacts"}));
    CPPUNIT_ASSERT_EQUAL(2, read.calls);
    CPPUNIT_ASSERT_EQUAL(std::string("theirs"), read.contacts.front().password.value().reveal());
  }

  void withoutAPasswordFieldAPageSaysNothingOfPasswords() {
    rig_.account.fields = {{6, "CITY"}};
    CPPUNIT_ASSERT(!page().contacts.front().password);
    CPPUNIT_ASSERT(!many({42}).contacts.front().password);
  }

  void fieldsThatAreNewAreLearntAndThePageIsReadAgain() {
    rig_.fillDirectories();
    rig_.account.fields[7] = "NEWFIELD";
    rig_.account.people[42].fields[7] = "x";
    const auto read = page();
    CPPUNIT_ASSERT_EQUAL(6, read.calls);
    CPPUNIT_ASSERT_EQUAL(std::size_t{6}, rig_.account.log().size());
    CPPUNIT_ASSERT(read.contacts.front().fields == FieldValues({{"NEWFIELD", "x"}}));
    CPPUNIT_ASSERT(read.contacts.front().password.value().empty());
    CPPUNIT_ASSERT_EQUAL(1, page().calls);
  }

  void fieldsThatNobodyNamesAreLookedUpOnce() {
    rig_.fillDirectories();
    rig_.account.people[42].fields[77] = "of a deleted field";
    const auto read = many({42});
    CPPUNIT_ASSERT(read.contacts.front().fields->empty());
    CPPUNIT_ASSERT(read.contacts.front().password.value().empty());
    CPPUNIT_ASSERT_EQUAL(1, many({42}).calls);
    CPPUNIT_ASSERT_EQUAL(1, page().calls);
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("GET fields"));
  }

  void anAccountWithoutIncludeLeavesThePartsAbsent() {
    rig_.fillDirectories();
    rig_.account.include = false;
    rig_.account.people[42].tags = {{900, 2}};
    for (int i = 0; i < 2; ++i) {
      const auto read = page();
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read.contacts.size());
      const ContactSnapshot& snapshot = read.contacts.front();
      CPPUNIT_ASSERT(!snapshot.tags && !snapshot.fields && !snapshot.lists && !snapshot.password);
      CPPUNIT_ASSERT_EQUAL(std::string("Ada"), snapshot.firstName);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("page=no"), rig_.features.text());
  }

  void aPageOfTheWrongContactsIsAnError() {
    rig_.fillDirectories();
    const std::string row =
        R"({"id":"42","email":"a@example.com","firstName":"","lastName":"","phone":""})";
    const std::string other =
        R"({"id":"43","email":"b@example.com","firstName":"","lastName":"","phone":""})";
    rig_.account.answerOnce("GET contacts", 200, R"({"contacts":[)" + row + "]}");
    CPPUNIT_ASSERT(!tryPage(42));
    rig_.account.answerOnce("GET contacts", 200, R"({"contacts":[)" + other + "," + row + "]}");
    CPPUNIT_ASSERT(!tryPage(0));
    rig_.account.answerOnce("GET contacts", 200, R"({"contacts":[)" + row + "," + row + "]}");
    CPPUNIT_ASSERT(!tryPage(0));
  }

  void anUnreadablePageIsAnError() {
    rig_.fillDirectories();
    for (const auto& [status, body] :
         std::vector<std::pair<int, std::string>>{{200, ""},
                                                  {200, "{}"},
                                                  {200, "<html></html>"},
                                                  {200, R"({"contacts":{}})"},
                                                  {200, R"({"contacts":[{"id":"42"}]})"},
                                                  {500, "{}"},
                                                  {404, "{}"}}) {
      rig_.account.answerOnce("GET contacts", status, body);
      const auto read = tryPage();
      CPPUNIT_ASSERT_MESSAGE(body, !read);
      CPPUNIT_ASSERT_MESSAGE(body, read.error().code == Code::kUnavailable);
      rig_.clock.advance(std::chrono::minutes{2});  // the breaker's pause
      CPPUNIT_ASSERT_MESSAGE(body, tryPage().ok());
    }
  }

  // Whether that is the end is for the caller to judge.
  void anEmptyPageSaysWhatRemains() {
    rig_.fillDirectories();
    rig_.account.answerOnce("GET contacts", 200, R"({"contacts":[],"meta":{"total":"12"}})");
    const auto read = tryPage(42);
    CPPUNIT_ASSERT(read && read->contacts.empty());
    CPPUNIT_ASSERT(read->remaining == std::optional<std::int64_t>(12));
  }

  void onlyWhoWasAskedForIsHandedOut() {
    rig_.fillDirectories();
    rig_.account.people[43].email = "b@example.com";
    rig_.account.answerOnce(
        "GET contacts", 200,
        R"({"contacts":[{"id":"42","email":"a@example.com","firstName":"","lastName":"","phone":""},)"
        R"({"id":"43","email":"b@example.com","firstName":"","lastName":"","phone":""}],)"
        R"("contactTags":[],"fieldValues":[],"contactLists":[]})");
    const auto read = many({43, 44});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read.contacts.size());
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, read.contacts.front().id);
  }

  void manyAreAskedForById() {
    rig_.fillDirectories();
    rig_.account.people[43].email = "b@example.com";
    rig_.account.people[44].email = "c@example.com";
    const auto read = many({44, 42, 99, 42});
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, read.contacts.size());
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, read.contacts[0].id);
    CPPUNIT_ASSERT_EQUAL(ContactId{44}, read.contacts[1].id);
    const std::string asked = rig_.account.asked("GET contacts?").front();
    CPPUNIT_ASSERT(asked.find("ids[]=42&ids[]=44&ids[]=99") != std::string::npos);
    rig_.account.forget();
    CPPUNIT_ASSERT(many({}).contacts.empty());
    CPPUNIT_ASSERT(rig_.account.log().empty());
  }

  // What a page that is read again shows was true when it was sent the second time.
  void theStampIsOfTheReadThatCounts() {
    rig_.fillDirectories();
    rig_.account.people[42].fields[77] = "x";
    Instant lookedUp{};
    rig_.account.before("GET lists", [&] { lookedUp = rig_.clock.now(); });
    CPPUNIT_ASSERT(page().contacts.front().sentAt > lookedUp);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ContactPagesTest);

}  // namespace mbr::sync
