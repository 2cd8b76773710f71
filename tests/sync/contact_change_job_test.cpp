#include "base/time_format.h"
#include "members/last_login.h"
#include "sync/rig.h"

namespace mbr::sync {

using members::ChangePayload;
using Item = ChangePayload::Item;
using Lines = std::vector<std::string>;

// Changes to the contact itself: members and fields, of one that is known and of one that may have
// to be made.
class ContactChangeJobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactChangeJobTest);
  CPPUNIT_TEST(allIsSetInOneRequestAndReadersSeeIt);
  CPPUNIT_TEST(valuesAreGoneFromTheJobThatHasEnded);
  CPPUNIT_TEST(fieldsGoByIdToo);
  CPPUNIT_TEST(anUnknownFieldIsReportedAndTheRestIsSet);
  CPPUNIT_TEST(aFieldThatTheAccountHasLostIsReportedAndTheRestIsSet);
  CPPUNIT_TEST(aFieldNamedTwiceIsRefused);
  CPPUNIT_TEST(hiddenFieldsAreRefused);
  CPPUNIT_TEST(aTakenEmailSetsNothing);
  CPPUNIT_TEST(theEmailMovesWithTheContact);
  CPPUNIT_TEST(aFieldOutlivesAReadThatWasSentBefore);
  CPPUNIT_TEST(aContactThatIsGoneIsReported);
  CPPUNIT_TEST(aNewContactIsMadeAndKnown);
  CPPUNIT_TEST(aKnownContactIsChangedWhereItDiffers);
  CPPUNIT_TEST(aContactWhoseMakingWasNotAnsweredIsMadeOnce);
  CPPUNIT_TEST(aContactThatSomebodyElseMadeMeanwhileIsChanged);
  CPPUNIT_TEST(aContactThatTheAccountRefusesIsReported);
  CPPUNIT_TEST(aDeadAccountPutsAllOff);
  CPPUNIT_TEST(theLastLoginIsWrittenLikeAField);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;

 public:
  void setUp() override { rig_.fillDirectories(); }

 private:
  static Item set(std::string name, std::string value, FieldId id = 0) {
    Item item;
    item.kind = Item::Kind::kField;
    item.action = Item::Action::kSet;
    item.id = id;
    item.name = std::move(name);
    item.value = std::move(value);
    return item;
  }

  Job run(ChangePayload change) {
    Job job;
    job.kind = members::kChangeJob;
    job.lane = Lane::kSite;
    if (change.contactId != 0) job.contactId = change.contactId;
    job.payload = members::write(change);
    return rig_.finish(rig_.addJob(job));
  }
  Job patch(std::vector<Item> items) {
    ChangePayload change;
    change.contactId = 42;
    change.items = std::move(items);
    return run(change);
  }
  Job upsert(const std::string& email, std::vector<Item> items = {}) {
    ChangePayload change;
    change.email = email;
    change.items = std::move(items);
    change.items.insert(change.items.begin(), set("email", email));
    return run(change);
  }

  static ChangePayload payloadOf(const Job& job) {
    return *members::readChangePayload(job.payload);
  }
  static Lines resultsOf(const Job& job) {
    Lines results;
    const auto parsed = json::parse(job.result);
    CPPUNIT_ASSERT(parsed.ok());
    for (const json::Value& row : *parsed->asArray()) {
      CPPUNIT_ASSERT_EQUAL(std::string("field"), row["kind"].textOr(""));
      CPPUNIT_ASSERT_EQUAL(std::string("set"), row["action"].textOr(""));
      results.push_back(row["id"].textOr("-") + " " + row["name"].textOr("") + ": " +
                        row["result"].textOr(""));
    }
    return results;
  }
  test::FakeAccount::Person& person(ContactId id = 42) { return rig_.account.people[id]; }

  void allIsSetInOneRequestAndReadersSeeIt() {
    rig_.known(42, "a@example.com");
    const Job job = patch({set("first_name", "Eve"), set("last_name", "Doe"), set("phone", "+1"),
                           set("CITY", "K\xC3\xB6ln")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(rig_.account.log() == Lines({"PUT contacts/42"}));
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"- first_name: applied", "- last_name: applied",
                                            "- phone: applied", "6 CITY: applied"}));
    CPPUNIT_ASSERT_EQUAL(std::string("Eve"), person().firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("Doe"), person().lastName);
    CPPUNIT_ASSERT_EQUAL(std::string("+1"), person().phone);
    CPPUNIT_ASSERT_EQUAL(std::string("K\xC3\xB6ln"), person().fields[6]);
    const auto contact = rig_.contact(42);
    CPPUNIT_ASSERT_EQUAL(std::string("Eve"), contact->firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("Doe"), contact->lastName);
    CPPUNIT_ASSERT_EQUAL(std::string("+1"), contact->phone);
    CPPUNIT_ASSERT_EQUAL(std::string("K\xC3\xB6ln"), contact->fields.at("CITY"));
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.com"), contact->email->text());
  }

  void valuesAreGoneFromTheJobThatHasEnded() {
    rig_.known(42, "a@example.com");
    for (const Job& job : {patch({set("phone", "0815-4711"), set("NONE", "0815-4711")}),
                           upsert("0815-4711@example.com", {set("phone", "0815-4711")})}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(job.payload, std::string::npos, job.payload.find("4711"));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(job.result, std::string::npos, job.result.find("4711"));
    }
  }

  void fieldsGoByIdToo() {
    rig_.known(42, "a@example.com");
    CPPUNIT_ASSERT(resultsOf(patch({set("", "Bonn", 6)})) == Lines({"6 CITY: applied"}));
    CPPUNIT_ASSERT_EQUAL(std::string("Bonn"), rig_.contact(42)->fields.at("CITY"));
    CPPUNIT_ASSERT(resultsOf(patch({set("", "Bonn", 77)})) == Lines({"77 : unknown"}));
  }

  void anUnknownFieldIsReportedAndTheRestIsSet() {
    const Job job = patch({set("TOWN", "Bonn"), set("CITY", "Bonn")});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"- TOWN: unknown", "6 CITY: applied"}));
    CPPUNIT_ASSERT(rig_.account.log() == Lines({"GET fields", "PUT contacts/42"}));
  }

  void aFieldThatTheAccountHasLostIsReportedAndTheRestIsSet() {
    rig_.write([](store::Transaction& tx) {
      tx.saveFields({{3, "PASSWORD", ""}, {6, "CITY", ""}, {8, "OLD", ""}});
    });
    const Job job = patch({set("OLD", "x"), set("CITY", "Bonn")});
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"8 OLD: unknown", "6 CITY: applied"}));
    CPPUNIT_ASSERT_EQUAL(2, rig_.account.count("PUT contacts/42"));
    CPPUNIT_ASSERT_EQUAL(std::string("Bonn"), person().fields[6]);
  }

  void aFieldNamedTwiceIsRefused() {
    const Job job = patch({set("CITY", "Bonn"), set("", "Ulm", 6)});
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"6 CITY: applied", "6 CITY: refused"}));
    CPPUNIT_ASSERT_EQUAL(std::string("Bonn"), person().fields[6]);
  }

  void hiddenFieldsAreRefused() {
    const Job job = patch({set("PASSWORD", "secret"), set("", "secret", 3)});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"3 PASSWORD: refused", "3 PASSWORD: refused"}));
    CPPUNIT_ASSERT(rig_.account.log().empty());
    CPPUNIT_ASSERT_EQUAL(std::string::npos, job.payload.find("secret"));
  }

  void aTakenEmailSetsNothing() {
    rig_.account.people[43].email = "b@example.com";
    rig_.known(42, "a@example.com");
    const Job job = patch({set("email", "b@example.com"), set("first_name", "Eve")});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(payloadOf(job).emailTaken);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"- email: refused", "- first_name: refused"}));
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), person().firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.com"), rig_.contact(42)->email->text());
  }

  void theEmailMovesWithTheContact() {
    rig_.known(42, "a@example.com");
    const Job job = patch({set("email", "c@example.com")});
    CPPUNIT_ASSERT(job.state == JobState::kDone && !payloadOf(job).emailTaken);
    CPPUNIT_ASSERT_EQUAL(std::string("c@example.com"), person().email);
    const auto found = *rig_.cache.findByEmail(test::email("c@example.com"));
    CPPUNIT_ASSERT(found != nullptr && found->contact.id == 42);
    CPPUNIT_ASSERT(*rig_.cache.findByEmail(test::email("a@example.com")) == nullptr);
  }

  void aFieldOutlivesAReadThatWasSentBefore() {
    rig_.known(42, "a@example.com");
    ContactSnapshot before;
    before.id = 42;
    before.email = test::email("a@example.com");
    before.fields = FieldValues{{"CITY", "Ulm"}};
    before.sentAt = rig_.clock.now();
    rig_.clock.advance(Milliseconds{100});
    patch({set("CITY", "Bonn")});
    rig_.write([&](store::Transaction& tx) { rig_.updater.applySnapshot(tx, before); });
    CPPUNIT_ASSERT_EQUAL(std::string("Bonn"), rig_.contact(42)->fields.at("CITY"));
    const auto own = rig_.contact(42)->ownChanges;
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, own.size());
    patch({set("CITY", "Kiel")});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.contact(42)->ownChanges.size());
  }

  void aContactThatIsGoneIsReported() {
    rig_.account.people.erase(42);
    const Job job = patch({set("CITY", "Bonn")});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"6 CITY: unknown"}));
  }

  void aNewContactIsMadeAndKnown() {
    const Job job = upsert("new@example.com", {set("first_name", "Neo"), set("CITY", "Zion")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    const ChangePayload payload = payloadOf(job);
    CPPUNIT_ASSERT(payload.created);
    CPPUNIT_ASSERT(resultsOf(job) ==
                   Lines({"- email: applied", "- first_name: applied", "6 CITY: applied"}));
    const std::string id = std::to_string(payload.contactId);
    CPPUNIT_ASSERT(rig_.account.log() ==
                   Lines({"GET contacts", "POST contacts", "GET contacts/" + id}));
    const auto contact = rig_.contact(payload.contactId);
    CPPUNIT_ASSERT(contact.has_value());
    CPPUNIT_ASSERT(contact->confirmed);
    CPPUNIT_ASSERT_EQUAL(std::string("Neo"), contact->firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("Zion"), contact->fields.at("CITY"));
    CPPUNIT_ASSERT_EQUAL(std::string("new@example.com"), contact->email->text());
  }

  void aKnownContactIsChangedWhereItDiffers() {
    person().fields[6] = "Bonn";
    Job job = upsert("a@example.com", {set("first_name", "Ada"), set("CITY", "Bonn")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(!payloadOf(job).created);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, payloadOf(job).contactId);
    CPPUNIT_ASSERT(resultsOf(job) ==
                   Lines({"- email: already", "- first_name: already", "6 CITY: already"}));
    CPPUNIT_ASSERT(rig_.account.log() == Lines({"GET contacts"}));
    CPPUNIT_ASSERT_EQUAL(std::string("Bonn"), rig_.contact(42)->fields.at("CITY"));

    rig_.account.forget();
    job = upsert("a@example.com", {set("first_name", "Eve"), set("CITY", "Bonn")});
    CPPUNIT_ASSERT(resultsOf(job) ==
                   Lines({"- email: already", "- first_name: applied", "6 CITY: already"}));
    CPPUNIT_ASSERT(rig_.account.log() == Lines({"GET contacts", "PUT contacts/42"}));
    CPPUNIT_ASSERT_EQUAL(std::string("Eve"), rig_.contact(42)->firstName);
  }

  void aContactWhoseMakingWasNotAnsweredIsMadeOnce() {
    rig_.account.before("POST contacts", [this] {
      rig_.account.failFrom(1, test::FakeAccount::Fault::kAnswerLost);
      rig_.account.before("GET contacts", [this] { rig_.account.heal(); });
    });
    const Job job = upsert("new@example.com", {set("first_name", "Neo")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("POST contacts"));
    CPPUNIT_ASSERT(payloadOf(job).created);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"- email: applied", "- first_name: applied"}));
    CPPUNIT_ASSERT(rig_.contact(payloadOf(job).contactId).has_value());
  }

  void aContactThatSomebodyElseMadeMeanwhileIsChanged() {
    rig_.account.before("POST contacts",
                        [this] { rig_.account.people[50].email = "new@example.com"; });
    const Job job = upsert("new@example.com", {set("first_name", "Neo")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(!payloadOf(job).created);
    CPPUNIT_ASSERT_EQUAL(ContactId{50}, payloadOf(job).contactId);
    CPPUNIT_ASSERT_EQUAL(std::string("Neo"), person(50).firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("Neo"), rig_.contact(50)->firstName);
  }

  void aContactThatTheAccountRefusesIsReported() {
    rig_.account.answerOnce("POST contacts", 422,
                            R"({"errors":[{"title":"Contact Email Address is not valid."}]})");
    const Job job = upsert("new@example.com", {set("CITY", "Bonn")});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT_EQUAL(ContactId{0}, payloadOf(job).contactId);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"- email: refused", "6 CITY: refused"}));
    CPPUNIT_ASSERT(job.result.find("not valid") != std::string::npos);
  }

  void aDeadAccountPutsAllOff() {
    rig_.known(42, "a@example.com");
    rig_.account.failFrom(1, test::FakeAccount::Fault::kRequestLost);
    rig_.account.before("PUT contacts/42", [this] { rig_.account.heal(); });
    CPPUNIT_ASSERT(patch({set("CITY", "Bonn")}).state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(std::string("Bonn"), rig_.contact(42)->fields.at("CITY"));
  }

  void theLastLoginIsWrittenLikeAField() {
    rig_.known(42, "a@example.com");
    members::LastLogin lastLogin(
        rig_.store, rig_.directories, rig_.clock, [] {}, "CITY");
    const auto note = [&] {
      const std::size_t before = rig_.jobs().size();
      lastLogin.note(*rig_.contact(42));
      rig_.write([](store::Transaction&) {});  // behind what was submitted
      return rig_.jobs().size() - before;
    };
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, note());
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, note());
    const Job queued = rig_.jobs().back();
    CPPUNIT_ASSERT(queued.lane == Lane::kBackfill);
    CPPUNIT_ASSERT(rig_.finish(queued.id).state == JobState::kDone);
    const auto written = parseIso8601(person().fields[6]);
    CPPUNIT_ASSERT_MESSAGE(person().fields[6], written.has_value());
    CPPUNIT_ASSERT(person().fields[6].find("+00:00") != std::string::npos);
    CPPUNIT_ASSERT(rig_.clock.now() - *written < std::chrono::minutes{1});
    CPPUNIT_ASSERT_EQUAL(person().fields[6], rig_.contact(42)->fields.at("CITY"));
    rig_.clock.advance(std::chrono::minutes{58});
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, note());
    rig_.clock.advance(std::chrono::minutes{3});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, note());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ContactChangeJobTest);

}  // namespace mbr::sync
