#include "sync/rig.h"

namespace mbr::sync {

class RefreshJobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RefreshJobTest);
  CPPUNIT_TEST(aRefreshBringsTheContactUpToDate);
  CPPUNIT_TEST(aContactNamedByEmailIsFound);
  CPPUNIT_TEST(aFieldThatIsNewIsLearntBeforeItsValueIsKept);
  CPPUNIT_TEST(aContactThatIsGoneIsMarkedDeleted);
  CPPUNIT_TEST(anUnreadableAnswerIsNoAbsence);
  CPPUNIT_TEST(aDeniedKeyIsNoAbsence);
  CPPUNIT_TEST(aContactUnderAnotherIdIsTakenInAndTheOldOneMarked);
  CPPUNIT_TEST(aMergedContactIsFoundByTheEmailItIsKnownBy);
  CPPUNIT_TEST(aBodyThatComesWhileTheReadIsOutWinsUntilTheNextRead);
  CPPUNIT_TEST(aPasswordThatAppearedInTheFieldIsAdopted);
  CPPUNIT_TEST(thePasswordFieldIsLeftAloneWhileAPasswordJobIsOpen);
  CPPUNIT_TEST(theDirectoriesJobFillsTheNames);
  CPPUNIT_TEST(theDirectoriesJobMakesThePasswordFieldOnce);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;

  Job refresh(std::optional<ContactId> id, const std::string& email = "") {
    JobId job = 0;
    rig_.write([&](store::Transaction& tx) { job = members::enqueueRefresh(tx, {id, email}); });
    return rig_.finish(job);
  }

  void aRefreshBringsTheContactUpToDate() {
    rig_.fillDirectories();
    Contact stale = rig_.known(42, "a@example.com", {1});
    rig_.account.people[42].tags = {{900, 2}};
    rig_.account.people[42].fields[6] = "Turin";
    CPPUNIT_ASSERT(refresh(42).state == JobState::kDone);
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({2}));
    CPPUNIT_ASSERT_EQUAL(std::string("Turin"), contact.fields.at("CITY"));
    CPPUNIT_ASSERT(contact.confirmed);
    CPPUNIT_ASSERT(*contact.pulledAt > *stale.pulledAt);
  }

  void aContactNamedByEmailIsFound() {
    CPPUNIT_ASSERT(refresh({}, "a@example.com").state == JobState::kDone);
    CPPUNIT_ASSERT(rig_.contact(42).has_value());
  }

  void aFieldThatIsNewIsLearntBeforeItsValueIsKept() {
    rig_.fillDirectories();
    rig_.account.fields[7] = "NEWFIELD";
    rig_.account.people[42].fields[7] = "x";
    rig_.account.people[42].fields[77] = "of a field that nobody names";
    CPPUNIT_ASSERT(refresh(42).state == JobState::kDone);
    CPPUNIT_ASSERT(rig_.directories.names()->fieldId("NEWFIELD").has_value());
    CPPUNIT_ASSERT(rig_.contact(42)->fields == FieldValues({{"NEWFIELD", "x"}}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("GET fields"));
    refresh(42);
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("GET fields"));
  }

  void aContactThatIsGoneIsMarkedDeleted() {
    rig_.known(42, "a@example.com");
    rig_.write([&](store::Transaction& tx) {
      store::SessionRecord session;
      session.digest = std::string(32, 's');
      session.contactId = 42;
      session.expiresAt = rig_.clock.now() + std::chrono::hours{1};
      tx.saveSession(session);
    });
    rig_.account.people.clear();
    CPPUNIT_ASSERT(refresh(42, "a@example.com").state == JobState::kDone);
    CPPUNIT_ASSERT(rig_.contact(42)->deletedAt.has_value());
    CPPUNIT_ASSERT(
        !rig_.read([](store::Reader& reader) { return reader.findSession(std::string(32, 's')); }));
  }

  void anUnreadableAnswerIsNoAbsence() {
    rig_.fillDirectories();
    rig_.known(42, "a@example.com");
    for (const auto& [status, body] :
         std::vector<std::pair<int, std::string>>{{404, "<html>not found</html>"},
                                                  {404, R"({"message":"No route found"})"},
                                                  {200, "{}"},
                                                  {200, ""},
                                                  {500, "{}"},
                                                  {200, R"({"contact":{"id":"43"}})"}}) {
      rig_.account.answerOnce("GET contacts/42", status, body);
      refresh(42);
      CPPUNIT_ASSERT_MESSAGE(body, !rig_.contact(42)->deletedAt);
    }
  }

  void aDeniedKeyIsNoAbsence() {
    rig_.fillDirectories();
    rig_.known(42, "a@example.com");
    for (int i = 0; i < 2; ++i)
      rig_.account.answerOnce("GET contacts/42", 403, R"({"message":"no"})");
    refresh(42);
    CPPUNIT_ASSERT(!rig_.contact(42)->deletedAt);
  }

  void aContactUnderAnotherIdIsTakenInAndTheOldOneMarked() {
    rig_.known(41, "a@example.com");
    refresh(41, "a@example.com");
    CPPUNIT_ASSERT(rig_.contact(41)->deletedAt.has_value());
    CPPUNIT_ASSERT_EQUAL(ContactId{42},
                         (*rig_.cache.findByEmail(test::email("a@example.com")))->contact.id);
  }

  void aMergedContactIsFoundByTheEmailItIsKnownBy() {
    rig_.known(41, "a@example.com");
    refresh(41);
    CPPUNIT_ASSERT(rig_.contact(41)->deletedAt.has_value());
    CPPUNIT_ASSERT(rig_.contact(42)->email == Email::parse("a@example.com"));
  }

  void aBodyThatComesWhileTheReadIsOutWinsUntilTheNextRead() {
    rig_.fillDirectories();
    rig_.known(42, "a@example.com");
    rig_.account.before("GET contacts/42", [this] {
      rig_.clock.advance(Milliseconds{1});
      rig_.write([this](store::Transaction& tx) {
        Contact contact = *tx.findContact(42);
        contact.firstName = "Body";
        contact.confirmed = false;
        contact.changedAt = rig_.clock.now();
        tx.saveContact(contact);
      });
    });
    refresh(42);
    rig_.finishAll();
    CPPUNIT_ASSERT_EQUAL(2, rig_.account.count("GET contacts/42"));
    CPPUNIT_ASSERT(rig_.contact(42)->confirmed);
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), rig_.contact(42)->firstName);
  }

  void aPasswordThatAppearedInTheFieldIsAdopted() {
    rig_.account.people[42].fields[3] = "theirs";
    refresh(42);
    CPPUNIT_ASSERT(rig_.knows(42, "theirs"));
  }

  void thePasswordFieldIsLeftAloneWhileAPasswordJobIsOpen() {
    rig_.account.people[42].fields[3] = "theirs";
    Job job;
    job.kind = members::kPasswordJob;
    job.contactId = 42;
    job.key = "42";
    job.payload = members::write(rig_.wanted(42));
    job.createdAt = rig_.clock.now();
    job.dueAt = rig_.clock.now() + std::chrono::hours{1};
    rig_.write([&](store::Transaction& tx) { tx.addJob(job); });
    refresh(42);
    CPPUNIT_ASSERT(!rig_.credential(42));
  }

  Job fetchDirectories() {
    JobId job = 0;
    rig_.write([&](store::Transaction& tx) { job = members::enqueueDirectories(tx); });
    return rig_.finish(job);
  }

  void theDirectoriesJobFillsTheNames() {
    CPPUNIT_ASSERT(!rig_.directories.names()->complete());
    CPPUNIT_ASSERT(fetchDirectories().state == JobState::kDone);
    const auto names = rig_.directories.names();
    CPPUNIT_ASSERT(names->complete());
    CPPUNIT_ASSERT(names->tagId("Gold") == std::optional<TagId>(2));
    CPPUNIT_ASSERT(names->automationId("Welcome") == std::optional<AutomationId>(5));
    CPPUNIT_ASSERT(names->fieldId("city") == std::optional<FieldId>(6));
  }

  void theDirectoriesJobMakesThePasswordFieldOnce() {
    rig_.account.fields = {{6, "CITY"}};
    fetchDirectories();
    fetchDirectories();
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("POST fields"));
    CPPUNIT_ASSERT(rig_.directories.names()->fieldId("PASSWORD").has_value());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RefreshJobTest);

}  // namespace mbr::sync
