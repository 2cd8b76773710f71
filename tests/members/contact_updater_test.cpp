#include "members/rig.h"

namespace mbr::members {

class ContactUpdaterTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactUpdaterTest);
  CPPUNIT_TEST(aSnapshotIsTakenInAndConfirms);
  CPPUNIT_TEST(aSnapshotSentBeforeTheLastChangeIsRefusedAndReadAgain);
  CPPUNIT_TEST(aPullThatWasSentBeforeTheLastOneChangesNothing);
  CPPUNIT_TEST(aClockThatWasSetBackDoesNotShutPullsOut);
  CPPUNIT_TEST(aSnapshotThatShowsNothingNewLeavesTheVersion);
  CPPUNIT_TEST(partsThatTheAnswerDidNotHoldStay);
  CPPUNIT_TEST(anEmailMovesToTheContactThatIsSeenWithIt);
  CPPUNIT_TEST(twoContactsMayExchangeTheirEmails);
  CPPUNIT_TEST(aSnapshotBringsADeletedContactBack);
  CPPUNIT_TEST(theFieldIsAdoptedByTheTable);
  CPPUNIT_TEST(aReadThatWasSentBeforeThePasswordChangedSaysNothingOfIt);
  CPPUNIT_TEST(theJobThatReadsDecidesAboutTheFieldItself);
  CPPUNIT_TEST(markingDeletedEndsSessionsAndIsDoneOnce);
  CPPUNIT_TEST(ownTagsAreThereAtOnce);
  CPPUNIT_TEST(ownTagsOutlastAPullThatWasSentBefore);
  CPPUNIT_TEST(ownTagsGiveWayToAPullThatWasSentAfter);
  CPPUNIT_TEST(ownTagsOfAnUnknownContactChangeNothing);
  CPPUNIT_TEST_SUITE_END();

  test::MembersRig rig_;

  ContactSnapshot snapshot(ContactId id, const std::string& email) {
    rig_.clock.advance(Milliseconds{5});
    ContactSnapshot snapshot;
    snapshot.id = id;
    snapshot.email = Email::parse(email);
    snapshot.firstName = "Ada";
    snapshot.fields.emplace();
    snapshot.tags.emplace();
    snapshot.lists.emplace();
    snapshot.sentAt = rig_.clock.now();
    return snapshot;
  }
  bool apply(const ContactSnapshot& snapshot, bool openPasswordJob = false) {
    bool applied = false;
    rig_.write([&](store::Transaction& tx) {
      applied = rig_.updater.applySnapshot(tx, snapshot, openPasswordJob) !=
                members::ContactUpdater::Taken::kOutdated;
    });
    return applied;
  }

  void aSnapshotIsTakenInAndConfirms() {
    ContactSnapshot seen = snapshot(42, "a@example.com");
    seen.tags = {2, 1, 2};
    seen.fields = FieldValues{{"CITY", "Turin"}};
    CPPUNIT_ASSERT(apply(seen));
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT(contact.confirmed);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT(contact.pulledAt == std::optional<Instant>(seen.sentAt));
    CPPUNIT_ASSERT(contact.changedAt == seen.sentAt);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, contact.version);
  }

  void aSnapshotSentBeforeTheLastChangeIsRefusedAndReadAgain() {
    const ContactSnapshot early = snapshot(42, "a@example.com");
    rig_.clock.advance(Milliseconds{5});
    Contact changed = rig_.known(42, "a@example.com", {1});
    changed.pulledAt.reset();  // by a body
    rig_.write([&](store::Transaction& tx) { tx.saveContact(changed); });
    CPPUNIT_ASSERT(!apply(early));
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({1}));
    CPPUNIT_ASSERT(rig_.openJob(kRefreshJob, "42").has_value());
    ContactSnapshot same = early;
    same.sentAt = changed.changedAt;
    CPPUNIT_ASSERT(!apply(same));
  }

  void aPullThatWasSentBeforeTheLastOneChangesNothing() {
    apply(snapshot(42, "a@example.com"));
    ContactSnapshot early = snapshot(42, "a@example.com");
    early.firstName = "Of before";
    CPPUNIT_ASSERT(apply(snapshot(42, "a@example.com")));
    CPPUNIT_ASSERT(apply(early));
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT(rig_.jobs().empty());
  }

  void aClockThatWasSetBackDoesNotShutPullsOut() {
    Contact ahead = rig_.known(42, "a@example.com");
    ahead.changedAt += std::chrono::hours{1};
    ahead.pulledAt = ahead.changedAt;
    rig_.write([&](store::Transaction& tx) { tx.saveContact(ahead); });
    ContactSnapshot seen = snapshot(42, "a@example.com");
    seen.firstName = "Grace";
    CPPUNIT_ASSERT(apply(seen));
    CPPUNIT_ASSERT_EQUAL(std::string("Grace"), rig_.contact(42)->firstName);
  }

  void aSnapshotThatShowsNothingNewLeavesTheVersion() {
    apply(snapshot(42, "a@example.com"));
    const ContactSnapshot again = snapshot(42, "a@example.com");
    CPPUNIT_ASSERT(apply(again));
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, contact.version);
    CPPUNIT_ASSERT(contact.pulledAt == std::optional<Instant>(again.sentAt));
  }

  void partsThatTheAnswerDidNotHoldStay() {
    ContactSnapshot whole = snapshot(42, "a@example.com");
    whole.tags = {1};
    whole.fields = FieldValues{{"CITY", "Turin"}};
    whole.lists = {{9, 1}};
    apply(whole);
    ContactSnapshot part = snapshot(42, "a@example.com");
    part.tags.reset();
    part.fields.reset();
    part.lists.reset();
    part.firstName = "Grace";
    apply(part);
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT_EQUAL(std::string("Grace"), contact.firstName);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({1}));
    CPPUNIT_ASSERT(contact.fields == FieldValues({{"CITY", "Turin"}}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, contact.lists.size());
  }

  void anEmailMovesToTheContactThatIsSeenWithIt() {
    rig_.known(41, "a@example.com");
    apply(snapshot(42, "a@example.com"));
    CPPUNIT_ASSERT(!rig_.contact(41)->email);
    CPPUNIT_ASSERT_EQUAL(ContactId{42},
                         (*rig_.cache.findByEmail(test::email("a@example.com")))->contact.id);
    CPPUNIT_ASSERT(rig_.openJob(kRefreshJob, "41").has_value());
  }

  void twoContactsMayExchangeTheirEmails() {
    rig_.known(41, "a@example.com");
    rig_.known(42, "b@example.com");
    apply(snapshot(41, "b@example.com"));
    rig_.clock.advance(Milliseconds{5});
    apply(snapshot(42, "a@example.com"));
    CPPUNIT_ASSERT(rig_.contact(41)->email == Email::parse("b@example.com"));
    CPPUNIT_ASSERT(rig_.contact(42)->email == Email::parse("a@example.com"));
    CPPUNIT_ASSERT_EQUAL(ContactId{41},
                         (*rig_.cache.findByEmail(test::email("b@example.com")))->contact.id);
  }

  void aSnapshotBringsADeletedContactBack() {
    rig_.known(42, "a@example.com");
    rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42); });
    CPPUNIT_ASSERT(apply(snapshot(42, "a@example.com")));
    CPPUNIT_ASSERT(!rig_.contact(42)->deletedAt);
  }

  void show(const std::string& password) {
    ContactSnapshot seen = snapshot(42, "a@example.com");
    seen.password = Secret(password);
    apply(seen);
  }

  void theFieldIsAdoptedByTheTable() {
    show("");
    CPPUNIT_ASSERT(!rig_.credential(42));
    show("first");
    CPPUNIT_ASSERT(rig_.knows(42, "first"));
    const Instant changedAt = rig_.credential(42)->changedAt;
    show("first");
    CPPUNIT_ASSERT(rig_.credential(42)->changedAt == changedAt);
    show("second");
    CPPUNIT_ASSERT(rig_.knows(42, "second"));
    show("");
    CPPUNIT_ASSERT(rig_.knows(42, "second"));
  }

  void aReadThatWasSentBeforeThePasswordChangedSaysNothingOfIt() {
    ContactSnapshot early = snapshot(42, "a@example.com");
    early.password = Secret("old");
    rig_.clock.advance(Milliseconds{5});
    rig_.write([&](store::Transaction& tx) {
      tx.saveCredential(
          rig_.hasher.makeSlow(42, Secret("new"), CredentialOrigin::kSet, rig_.clock.now()));
    });
    apply(early);
    CPPUNIT_ASSERT(rig_.knows(42, "new"));
  }

  void theJobThatReadsDecidesAboutTheFieldItself() {
    ContactSnapshot seen = snapshot(42, "a@example.com");
    seen.password = Secret("theirs");
    apply(seen, true);
    CPPUNIT_ASSERT(!rig_.credential(42));
    Job job;
    job.kind = kPasswordJob;
    job.contactId = 42;
    job.key = "42";
    rig_.write([&](store::Transaction& tx) { tx.addJob(job); });
    show("theirs");
    CPPUNIT_ASSERT(!rig_.credential(42));
  }

  void markingDeletedEndsSessionsAndIsDoneOnce() {
    rig_.known(42, "a@example.com");
    rig_.write([&](store::Transaction& tx) {
      store::SessionRecord session;
      session.digest = std::string(32, 's');
      session.contactId = 42;
      session.expiresAt = rig_.clock.now() + std::chrono::hours{1};
      tx.saveSession(session);
    });
    rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42); });
    const Instant first = rig_.contact(42)->deletedAt.value();
    CPPUNIT_ASSERT(
        !rig_.read([](store::Reader& reader) { return reader.findSession(std::string(32, 's')); }));
    rig_.clock.advance(Milliseconds{5});
    rig_.write([&](store::Transaction& tx) {
      rig_.updater.markDeleted(tx, 42);
      rig_.updater.markDeleted(tx, 43);
    });
    CPPUNIT_ASSERT(rig_.contact(42)->deletedAt == std::optional<Instant>(first));
    CPPUNIT_ASSERT(!rig_.contact(43));
  }

  void own(std::vector<TagId> added, std::vector<TagId> removed) {
    rig_.write([&](store::Transaction& tx) { rig_.updater.applyOwnTags(tx, 42, added, removed); });
  }

  void ownTagsAreThereAtOnce() {
    rig_.known(42, "a@example.com", {1});
    own({2}, {1});
    CPPUNIT_ASSERT((*rig_.cache.findById(42))->contact.tags == std::vector<TagId>({2}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig_.contact(42)->ownChanges.size());
    own({}, {});
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, rig_.contact(42)->version);
  }

  void ownTagsOutlastAPullThatWasSentBefore() {
    rig_.known(42, "a@example.com");
    const ContactSnapshot early = snapshot(42, "a@example.com");
    rig_.clock.advance(Milliseconds{5});
    own({2}, {});
    CPPUNIT_ASSERT(!apply(early));
    CPPUNIT_ASSERT(rig_.contact(42)->hasTag(2));
  }

  void ownTagsGiveWayToAPullThatWasSentAfter() {
    rig_.known(42, "a@example.com");
    own({2}, {});
    CPPUNIT_ASSERT(apply(snapshot(42, "a@example.com")));
    CPPUNIT_ASSERT(!rig_.contact(42)->hasTag(2));
    CPPUNIT_ASSERT(rig_.contact(42)->ownChanges.empty());
  }

  void ownTagsOfAnUnknownContactChangeNothing() {
    own({2}, {});
    CPPUNIT_ASSERT(!rig_.contact(42));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ContactUpdaterTest);

}  // namespace mbr::members
