#include "members/rig.h"

namespace mbr::members {

using namespace std::chrono_literals;

// Contact 42 is gone and known as 43 now.
class MergeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MergeTest);
  CPPUNIT_TEST(theCredentialMovesAndKeepsItsPassword);
  CPPUNIT_TEST(theOldContactIsMarkedDeleted);
  CPPUNIT_TEST(aCredentialOfItsOwnWins);
  CPPUNIT_TEST(sessionsGoOnUnderTheNewId);
  CPPUNIT_TEST(whatTheSiteAskedForGoesOnUnderTheNewId);
  CPPUNIT_TEST(aChangeThatIsUnderWayIsLeftToItsHandler);
  CPPUNIT_TEST(jobsThatFindTheContactThemselvesStay);
  CPPUNIT_TEST(withoutANewIdNothingMoves);
  CPPUNIT_TEST(aContactThatIsItsOwnSuccessorIsDeletedOnly);
  CPPUNIT_TEST(anUnknownContactMovesNothing);
  CPPUNIT_TEST(theSecondTimeNothingMoves);
  CPPUNIT_TEST(aReadThatFindsTheContactUnderAnotherIdMovesIt);
  CPPUNIT_TEST(aPasswordThatTheFieldConfirmsStaysAsItWas);
  CPPUNIT_TEST(anotherPasswordInTheFieldEndsTheSessions);
  CPPUNIT_TEST(whoLosesHisEmailIsReadWithItSoThatAMergeIsSeen);
  CPPUNIT_TEST_SUITE_END();

  test::MembersRig rig_;

  Instant save(ContactId id, const char* text, CredentialOrigin origin) {
    const Instant at = rig_.clock.now();
    rig_.write([&](store::Transaction& tx) {
      Credential credential = rig_.hasher.makeFast(id, Secret(text), origin, at);
      credential.source = rig_.hasher.sourceDigest(Secret(text));
      tx.saveCredential(credential);
    });
    return at;
  }
  void logIn(ContactId id) {
    rig_.write([&](store::Transaction& tx) {
      store::SessionRecord session;
      session.digest = std::string(32, 's');
      session.contactId = id;
      session.expiresAt = rig_.clock.now() + 24h;
      tx.saveSession(session);
    });
  }
  std::optional<store::SessionRecord> session() {
    return rig_.read(
        [](store::Reader& reader) { return reader.findSession(std::string(32, 's')); });
  }
  JobId addChange() {
    ChangePayload change;
    change.contactId = 42;
    change.items.push_back({});
    change.items[0].id = 7;
    Job job;
    job.kind = kChangeJob;
    job.lane = Lane::kSite;
    job.contactId = 42;
    job.payload = write(change);
    job.createdAt = job.dueAt = rig_.clock.now();
    JobId id = 0;
    rig_.write([&](store::Transaction& tx) { id = tx.addJob(job); });
    return id;
  }
  void merge(const std::optional<ContactId>& into = 43) {
    rig_.clock.advance(1s);
    rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42, into); });
  }
  ContactSnapshot successor(const char* field) {
    rig_.clock.advance(1s);
    ContactSnapshot snapshot;
    snapshot.id = 43;
    snapshot.email = test::email("a@example.com");
    snapshot.fields.emplace();
    snapshot.tags.emplace();
    snapshot.lists.emplace();
    snapshot.password = Secret(field);
    snapshot.sentAt = rig_.clock.now();
    return snapshot;
  }
  void applyRead(const ContactSnapshot& snapshot) {
    rig_.write([&](store::Transaction& tx) { rig_.updater.applyRead(tx, snapshot, 42); });
  }

 public:
  void setUp() override { rig_.known(42, "a@example.com"); }

  void theCredentialMovesAndKeepsItsPassword() {
    const Instant at = save(42, "secret", CredentialOrigin::kGenerated);
    merge();
    const auto moved = rig_.credential(43);
    CPPUNIT_ASSERT(moved.has_value());
    CPPUNIT_ASSERT(rig_.knows(43, "secret"));
    CPPUNIT_ASSERT(!rig_.knows(43, "another"));
    CPPUNIT_ASSERT(moved->changedAt == at);
    CPPUNIT_ASSERT(moved->origin == CredentialOrigin::kGenerated);
    CPPUNIT_ASSERT(rig_.hasher.sourceEquals(moved->source, Secret("secret")));
  }

  void theOldContactIsMarkedDeleted() {
    merge();
    CPPUNIT_ASSERT(rig_.contact(42)->deletedAt == std::optional<Instant>(rig_.clock.now()));
    CPPUNIT_ASSERT(!rig_.contact(43));
  }

  void aCredentialOfItsOwnWins() {
    save(42, "old", CredentialOrigin::kAdopted);
    rig_.known(43, "b@example.com");
    save(43, "own", CredentialOrigin::kAdopted);
    merge();
    CPPUNIT_ASSERT(rig_.knows(43, "own"));
    CPPUNIT_ASSERT(!rig_.knows(43, "old"));
  }

  void sessionsGoOnUnderTheNewId() {
    save(42, "secret", CredentialOrigin::kGenerated);
    logIn(42);
    merge();
    CPPUNIT_ASSERT(session().has_value());
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, session()->contactId);
  }

  void whatTheSiteAskedForGoesOnUnderTheNewId() {
    const JobId id = addChange();
    const Instant due = rig_.job(id)->dueAt;
    merge();
    const Job moved = *rig_.job(id);
    CPPUNIT_ASSERT(moved.state == JobState::kQueued);
    CPPUNIT_ASSERT(moved.contactId == std::optional<ContactId>(43));
    CPPUNIT_ASSERT(moved.dueAt == due);
    const auto payload = readChangePayload(moved.payload);
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, payload->contactId);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{7}, payload->items[0].id);
  }

  void aChangeThatIsUnderWayIsLeftToItsHandler() {
    const JobId running = addChange();
    const JobId next = addChange();
    rig_.write([&](store::Transaction& tx) {
      const auto claimed = tx.claimJobs(1, Lane::kBackfill, rig_.clock.now() + 2min);
      CPPUNIT_ASSERT_EQUAL(running, claimed.at(0).id);
    });
    merge();
    CPPUNIT_ASSERT(rig_.job(running)->state == JobState::kRunning);
    CPPUNIT_ASSERT(rig_.job(running)->contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(rig_.job(next)->contactId == std::optional<ContactId>(43));
  }

  void jobsThatFindTheContactThemselvesStay() {
    rig_.write([](store::Transaction& tx) {
      enqueueRefresh(tx, {42, ""});
      enqueuePassword(tx, byRule({}, 42, "a@example.com"), {});
    });
    merge();
    CPPUNIT_ASSERT(rig_.openJob(kRefreshJob, "42").has_value());
    CPPUNIT_ASSERT(rig_.openJob(kPasswordJob, "42").has_value());
  }

  void withoutANewIdNothingMoves() {
    save(42, "secret", CredentialOrigin::kGenerated);
    logIn(42);
    const JobId change = addChange();
    merge(std::nullopt);
    CPPUNIT_ASSERT(!session());
    CPPUNIT_ASSERT(rig_.knows(42, "secret"));  // it goes with the contact's data
    CPPUNIT_ASSERT(rig_.job(change)->contactId == std::optional<ContactId>(42));
  }

  void aContactThatIsItsOwnSuccessorIsDeletedOnly() {
    save(42, "secret", CredentialOrigin::kGenerated);
    logIn(42);
    merge(42);
    CPPUNIT_ASSERT(rig_.contact(42)->deletedAt.has_value());
    CPPUNIT_ASSERT(!session());
    CPPUNIT_ASSERT(rig_.knows(42, "secret"));
  }

  void anUnknownContactMovesNothing() {
    rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 99, 43); });
    CPPUNIT_ASSERT(!rig_.contact(99));
    CPPUNIT_ASSERT(!rig_.contact(43));
  }

  void theSecondTimeNothingMoves() {
    save(42, "secret", CredentialOrigin::kGenerated);
    merge();
    const Instant first = *rig_.contact(42)->deletedAt;
    merge(44);
    CPPUNIT_ASSERT(!rig_.credential(44));
    CPPUNIT_ASSERT(rig_.contact(42)->deletedAt == std::optional<Instant>(first));
  }

  void aReadThatFindsTheContactUnderAnotherIdMovesIt() {
    save(42, "secret", CredentialOrigin::kGenerated);
    logIn(42);
    applyRead(successor(""));
    CPPUNIT_ASSERT(rig_.contact(42)->deletedAt.has_value());
    CPPUNIT_ASSERT(!rig_.contact(43)->deletedAt);
    CPPUNIT_ASSERT_EQUAL(ContactId{43},
                         (*rig_.cache.findByEmail(test::email("a@example.com")))->contact.id);
    CPPUNIT_ASSERT(rig_.knows(43, "secret"));
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, session().value().contactId);
  }

  void aPasswordThatTheFieldConfirmsStaysAsItWas() {
    const Instant at = save(42, "secret", CredentialOrigin::kGenerated);
    logIn(42);
    applyRead(successor("secret"));
    CPPUNIT_ASSERT(rig_.knows(43, "secret"));
    CPPUNIT_ASSERT(rig_.credential(43)->changedAt == at);
    CPPUNIT_ASSERT(rig_.credential(43)->origin == CredentialOrigin::kGenerated);
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, session().value().contactId);
  }

  // A session ends when the password changes, and it does not matter that the id does too.
  void anotherPasswordInTheFieldEndsTheSessions() {
    save(42, "secret", CredentialOrigin::kGenerated);
    logIn(42);
    applyRead(successor("another"));
    CPPUNIT_ASSERT(rig_.knows(43, "another"));
    CPPUNIT_ASSERT(!rig_.knows(43, "secret"));
    CPPUNIT_ASSERT(!session());
  }

  // The row that is left has no e-mail to find the other by.
  void whoLosesHisEmailIsReadWithItSoThatAMergeIsSeen() {
    rig_.write([&](store::Transaction& tx) { rig_.updater.applySnapshot(tx, successor("")); });
    CPPUNIT_ASSERT(!rig_.contact(42)->email);
    const auto refresh = rig_.openJob(kRefreshJob, "42");
    CPPUNIT_ASSERT(refresh.has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.com"), readWhoPayload(refresh->payload)->email);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(MergeTest);

}  // namespace mbr::members
