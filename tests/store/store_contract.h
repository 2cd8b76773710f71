// What every backend of the store must do. Register it as
//   CPPUNIT_TEST_SUITE_REGISTRATION(mbr::test::StoreContractTest<Backend>);
// Backend: a class with store(), clock(), write(work), read(work) and reopen(), as TestStore has
// them, made anew for each test.
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "store/store.h"

namespace mbr::test {

template <class Backend>
class StoreContractTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StoreContractTest);
  CPPUNIT_TEST(aContactComesBackAsItWasSaved);
  CPPUNIT_TEST(textOfAnyScriptSurvives);
  CPPUNIT_TEST(eachSaveCountsTheVersionUpByOne);
  CPPUNIT_TEST(whatAReaderWouldNotTellApartIsNotSaved);
  CPPUNIT_TEST(aContactThatWasReadBeforeIsSavedAsItLies);
  CPPUNIT_TEST(touchingKeepsVersionAndDataAndTellsCaches);
  CPPUNIT_TEST(touchingAnUnknownContactDoesNothing);
  CPPUNIT_TEST(anEmailMovesToTheContactThatWasSavedLast);
  CPPUNIT_TEST(aFreedEmailFindsNobody);
  CPPUNIT_TEST(deletedContactsAreFoundAndNotCounted);
  CPPUNIT_TEST(theTagIndexFollowsTheContact);
  CPPUNIT_TEST(savingACredentialEndsTheContactsSessionsOnly);
  CPPUNIT_TEST(reformingACredentialKeepsSessions);
  CPPUNIT_TEST(deletingACredentialEndsItsSessions);
  CPPUNIT_TEST(oneJobIsOpenPerKindAndKey);
  CPPUNIT_TEST(aJobComesBackAsItWasAdded);
  CPPUNIT_TEST(claimsGoByLaneThenByDueTime);
  CPPUNIT_TEST(claimsStopAtTheLowestLaneAsked);
  CPPUNIT_TEST(aClaimedJobIsNotClaimedAgainUntilItsLeaseEnds);
  CPPUNIT_TEST(aLostLeaseCannotSave);
  CPPUNIT_TEST(aLeaseCanBeExtended);
  CPPUNIT_TEST(anEndedJobCannotBeSavedAgain);
  CPPUNIT_TEST(successAndRefusalReleaseWhatWaits);
  CPPUNIT_TEST(givingUpKillsWhatWaitsAndWhatWaitsForThat);
  CPPUNIT_TEST(aJobBehindAnEndedOneDoesNotWait);
  CPPUNIT_TEST(nextDueIsTheEarliestOfDueTimesAndLeases);
  CPPUNIT_TEST(jobsAreCountedAndListedByState);
  CPPUNIT_TEST(openJobsOfAContactAreSeen);
  CPPUNIT_TEST(onlyADeliveryWithItsOwnFollowUpMakesADuplicate);
  CPPUNIT_TEST(revokedCodesStayListedAndFreeTheirName);
  CPPUNIT_TEST(revokedKeysStayListedAndFreeTheirName);
  CPPUNIT_TEST(aNameInForceIsNotGivenTwice);
  CPPUNIT_TEST(sessionsComeBackAndEnd);
  CPPUNIT_TEST(throttleRowsAreListedByActivityAndExpire);
  CPPUNIT_TEST(theBudgetIsOneRow);
  CPPUNIT_TEST(aDirectoryIsReplacedAsAWhole);
  CPPUNIT_TEST(metaHoldsTheInstallationTime);
  CPPUNIT_TEST(changesComeInOrderAndInPages);
  CPPUNIT_TEST(whatChangesNothingForReadersAddsNoChange);
  CPPUNIT_TEST(tombstonesKeepTheirTime);
  CPPUNIT_TEST(pruneTakesWhatIsOldAndReusesNoId);
  CPPUNIT_TEST(anErrorRollsBackItsOwnPieceOnly);
  CPPUNIT_TEST(aThrowingPieceIsAnInternalErrorAndRollsBack);
  CPPUNIT_TEST(textWithANulIsRefused);
  CPPUNIT_TEST(bytesMayHoldAnything);
  CPPUNIT_TEST(listenersHearACommitBeforeDone);
  CPPUNIT_TEST(submittedPiecesRunInOrder);
  CPPUNIT_TEST(aReaderSeesOneView);
  CPPUNIT_TEST(everythingIsThereAfterReopening);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { backend_ = std::make_unique<Backend>(); }
  void tearDown() override { backend_.reset(); }

 private:
  using Tx = store::Transaction;

  static Instant at(std::int64_t seconds) { return Instant{std::chrono::seconds{seconds}}; }
  static std::optional<Email> email(const std::string& text) { return Email::parse(text); }

  static Contact contact(ContactId id, const std::string& address = "",
                         std::vector<TagId> tags = {}) {
    Contact made;
    made.id = id;
    made.email = Email::parse(address);
    made.tags = std::move(tags);
    made.asOf = at(100);
    made.changedAt = at(100);
    return made;
  }

  static Job job(const std::string& kind, Lane lane, Instant due, const std::string& key = "") {
    Job made;
    made.kind = kind;
    made.lane = lane;
    made.key = key;
    made.payload = "{}";
    made.createdAt = at(1);
    made.dueAt = due;
    return made;
  }

  static store::SessionRecord session(const std::string& digest, ContactId id) {
    return {digest, id, "password", at(1), at(1), at(1000)};
  }

  static Credential credential(ContactId id, const std::string& hash) {
    Credential made;
    made.contactId = id;
    made.hash = hash;
    made.changedAt = at(5);
    return made;
  }

  template <class WorkFn>
  void write(WorkFn work) {
    backend_->write(work);
  }
  template <class WorkFn>
  void read(WorkFn work) {
    backend_->read(work);
  }

  std::optional<Contact> found(ContactId id) {
    std::optional<Contact> result;
    read([&](store::Reader& r) { result = r.findContact(id); });
    return result;
  }
  ContactId owner(const std::string& address) {
    std::optional<Contact> result;
    read([&](store::Reader& r) { result = r.findContactByEmail(*email(address)); });
    return result ? result->id : 0;
  }
  Job foundJob(JobId id) {
    std::optional<Job> result;
    read([&](store::Reader& r) { result = r.findJob(id); });
    CPPUNIT_ASSERT(result.has_value());
    return *result;
  }
  JobId added(const Job& wanted) {
    JobId id = 0;
    write([&](Tx& tx) { id = tx.addJob(wanted); });
    return id;
  }
  std::vector<Job> claimed(int limit, Instant lease, Lane lowest = Lane::kBackfill) {
    std::vector<Job> jobs;
    write([&](Tx& tx) { jobs = tx.claimJobs(limit, lowest, lease); });
    return jobs;
  }
  bool saved(const Job& wanted) {
    bool result = false;
    write([&](Tx& tx) { result = tx.saveJob(wanted); });
    return result;
  }
  bool hasSession(const std::string& digest) {
    bool result = false;
    read([&](store::Reader& r) { result = r.findSession(digest).has_value(); });
    return result;
  }
  std::vector<store::Change> changes(std::int64_t after = 0, int limit = 1000) {
    std::vector<store::Change> result;
    read([&](store::Reader& r) { result = r.changesAfter(after, limit); });
    return result;
  }

  void aContactComesBackAsItWasSaved() {
    Contact full = contact(7, "ann@example.org", {3, 5, 9007199254740991});
    full.firstName = "Ann";
    full.lastName = "Lee";
    full.phone = "+1 555";
    full.fields = {{"CITY", "Rome"}, {"EMPTY", ""}};
    full.lists = {{1, 1}, {4, 2}};
    full.createdAt = at(10);
    full.updatedAt = at(11);
    full.eventAt = at(12);
    full.asOf = at(13);
    full.pulledAt = at(14);
    full.confirmed = true;
    full.changedAt = at(15);
    full.deletedAt = at(16);
    full.ownChanges = {{OwnChange::Kind::kTagRemoved, 8, "", "", at(17)},
                       {OwnChange::Kind::kField, 0, "CITY", "Rome \"x\"", at(18)}};
    write([&](Tx& tx) { CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, tx.saveContact(full)); });

    const auto back = found(7);
    CPPUNIT_ASSERT(back.has_value());
    CPPUNIT_ASSERT(sameData(full, *back));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, back->version);
    CPPUNIT_ASSERT(back->updatedAt == full.updatedAt && back->eventAt == full.eventAt);
    CPPUNIT_ASSERT(back->asOf == full.asOf && back->pulledAt == full.pulledAt);
    CPPUNIT_ASSERT(back->confirmed && back->changedAt == full.changedAt);
    CPPUNIT_ASSERT(back->deletedAt == full.deletedAt);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, back->ownChanges.size());
    CPPUNIT_ASSERT(back->ownChanges[0].kind == OwnChange::Kind::kTagRemoved);
    CPPUNIT_ASSERT_EQUAL(TagId{8}, back->ownChanges[0].tag);
    CPPUNIT_ASSERT(back->ownChanges[0].at == at(17));
    CPPUNIT_ASSERT_EQUAL(std::string("Rome \"x\""), back->ownChanges[1].value);
    CPPUNIT_ASSERT(!found(8).has_value());
  }

  void textOfAnyScriptSurvives() {
    Contact odd = contact(1);
    odd.firstName = "Zoë \xF0\x9F\x98\x80 \"quoted\" back\\slash";
    odd.lastName = std::string("tab\tline\nbell\a nul\0 end", 23);
    odd.fields = {
        {"SQL", "'; DROP TABLE contact; --"}, {"JSON", "{\"a\":[1,2]}"}, {"X", "</script>"}};
    write([&](Tx& tx) { tx.saveContact(odd); });
    const auto back = found(1);
    CPPUNIT_ASSERT_EQUAL(odd.firstName, back->firstName);
    CPPUNIT_ASSERT_EQUAL(odd.lastName, back->lastName);
    CPPUNIT_ASSERT(odd.fields == back->fields);
  }

  void eachSaveCountsTheVersionUpByOne() {
    std::vector<std::int64_t> versions;
    Contact one = contact(1);
    one.version = 40;  // the argument's does not matter
    for (int i = 0; i < 3; ++i) {
      write([&](Tx& tx) { versions.push_back(tx.saveContact(one)); });
    }
    CPPUNIT_ASSERT((versions == std::vector<std::int64_t>{1, 2, 3}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, found(1)->version);
  }

  void whatAReaderWouldNotTellApartIsNotSaved() {
    Contact one = contact(1, "a@example.org", {4});
    one.fields = {{"CITY", "Köln"}, {"NOTE", ""}};
    one.lists = {{9, 1}};
    write([&](Tx& tx) { CPPUNIT_ASSERT(tx.saveContactIfChanged(one)); });
    one.asOf = one.changedAt = at(200);
    one.confirmed = true;
    for (const bool readFirst : {false, true}) {
      write([&](Tx& tx) {
        if (readFirst) (void)tx.findContact(1);
        CPPUNIT_ASSERT(!tx.saveContactIfChanged(one));
      });
    }
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, found(1)->version);
    CPPUNIT_ASSERT(found(1)->asOf == at(100));

    const auto changes = [&](const auto& change) {
      Contact other = *found(1);
      change(other);
      bool saved = false;
      write([&](Tx& tx) { saved = tx.saveContactIfChanged(other); });
      CPPUNIT_ASSERT(saved && sameData(other, *found(1)));
    };
    changes([](Contact& c) { c.firstName = "Ada"; });
    changes([](Contact& c) { c.phone = "1"; });
    changes([](Contact& c) { c.fields.erase("NOTE"); });
    changes([](Contact& c) { c.tags.push_back(5); });
    changes([](Contact& c) { c.lists[0].status = 2; });
    changes([](Contact& c) { c.createdAt = at(7); });
    changes([](Contact& c) { c.email = email("b@example.org"); });
    changes([](Contact& c) { c.deletedAt = at(300); });
    changes([](Contact& c) { c.email.reset(); });
  }

  // Others may have changed the row within the same piece, by taking its e-mail.
  void aContactThatWasReadBeforeIsSavedAsItLies() {
    write([&](Tx& tx) {
      tx.saveContact(contact(1, "a@example.org", {4}));
      const Contact first = *tx.findContact(1);
      tx.saveContact(contact(2, "a@example.org"));
      CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, tx.saveContact(first));
      CPPUNIT_ASSERT_EQUAL(ContactId{1}, tx.findContactByEmail(*email("a@example.org"))->id);
    });
    write([&](Tx& tx) {
      (void)tx.findContact(2);
      tx.eraseContact(2);
      CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, tx.saveContact(contact(2, "c@example.org")));
    });
  }

  void touchingKeepsVersionAndDataAndTellsCaches() {
    write([&](Tx& tx) { tx.saveContact(contact(1, "a@example.org", {4})); });
    const std::int64_t before = changes().back().id;
    Contact touched = contact(1);
    touched.asOf = at(200);
    touched.pulledAt = at(201);
    touched.updatedAt = at(202);
    touched.confirmed = true;
    touched.ownChanges = {{OwnChange::Kind::kTagAdded, 4, "", "", at(5)}};
    write([&](Tx& tx) { tx.touchContact(touched); });

    const auto back = found(1);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, back->version);
    CPPUNIT_ASSERT(back->email == email("a@example.org") && back->hasTag(4));
    CPPUNIT_ASSERT(back->asOf == at(200) && back->pulledAt == at(201));
    CPPUNIT_ASSERT(back->updatedAt == at(202) && back->confirmed);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, back->ownChanges.size());
    const auto told = changes(before);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, told.size());
    CPPUNIT_ASSERT(told[0].kind == store::ChangeKind::kTouched && told[0].ref == 1);
  }

  void touchingAnUnknownContactDoesNothing() {
    write([&](Tx& tx) { tx.touchContact(contact(9)); });
    CPPUNIT_ASSERT(!found(9).has_value());
    CPPUNIT_ASSERT(changes().empty());
  }

  void anEmailMovesToTheContactThatWasSavedLast() {
    write([&](Tx& tx) { tx.saveContact(contact(1, "a@example.org")); });
    const std::int64_t before = changes().back().id;
    write([&](Tx& tx) { tx.saveContact(contact(2, "a@example.org")); });
    CPPUNIT_ASSERT_EQUAL(ContactId{2}, owner("a@example.org"));
    const auto loser = found(1);
    CPPUNIT_ASSERT(!loser->email.has_value());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, loser->version);
    const auto told = changes(before);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, told.size());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, told[0].ref);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, told[1].ref);
    write([&](Tx& tx) { tx.saveContact(*found(1)); });  // without one: takes nothing
    CPPUNIT_ASSERT_EQUAL(ContactId{2}, owner("a@example.org"));
  }

  void aFreedEmailFindsNobody() {
    write([&](Tx& tx) { tx.saveContact(contact(1, "a@example.org")); });
    write([&](Tx& tx) { tx.saveContact(contact(1, "b@example.org")); });
    CPPUNIT_ASSERT_EQUAL(ContactId{0}, owner("a@example.org"));
    CPPUNIT_ASSERT_EQUAL(ContactId{1}, owner("b@example.org"));
    write([&](Tx& tx) { tx.saveContact(contact(1)); });
    CPPUNIT_ASSERT_EQUAL(ContactId{0}, owner("b@example.org"));
  }

  void deletedContactsAreFoundAndNotCounted() {
    Contact gone = contact(1, "a@example.org");
    gone.deletedAt = at(50);
    write([&](Tx& tx) {
      tx.saveContact(gone);
      tx.saveContact(contact(2));
    });
    CPPUNIT_ASSERT_EQUAL(ContactId{1}, owner("a@example.org"));
    read([&](store::Reader& r) { CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, r.countContacts()); });
    // As when one that is known goes, goes later, and comes back.
    for (const std::optional<Instant> deletedAt :
         {std::optional(at(60)), std::optional(at(70)), std::optional<Instant>(),
          std::optional(at(80))}) {
      gone.deletedAt = deletedAt;
      write([&](Tx& tx) { tx.saveContact(gone); });
      CPPUNIT_ASSERT(found(1)->deletedAt == deletedAt);
      const std::int64_t count = deletedAt ? 1 : 2;
      read([&](store::Reader& r) { CPPUNIT_ASSERT_EQUAL(count, r.countContacts()); });
    }
  }

  void theTagIndexFollowsTheContact() {
    const auto tagged = [&](TagId tag, int limit) {
      std::vector<ContactId> result;
      read([&](store::Reader& r) { result = r.contactsWithTag(tag, limit); });
      return result;
    };
    write([&](Tx& tx) {
      tx.saveContact(contact(1, "", {10, 20}));
      tx.saveContact(contact(2, "", {20}));
      tx.saveContact(contact(3, "", {20, 30}));
    });
    CPPUNIT_ASSERT((tagged(20, 10) == std::vector<ContactId>{1, 2, 3}));
    CPPUNIT_ASSERT((tagged(20, 2) == std::vector<ContactId>{1, 2}));
    write([&](Tx& tx) { tx.saveContact(contact(1, "", {20, 30})); });
    CPPUNIT_ASSERT(tagged(10, 10).empty());
    CPPUNIT_ASSERT((tagged(30, 10) == std::vector<ContactId>{1, 3}));
    write([&](Tx& tx) { tx.saveContact(contact(2)); });
    CPPUNIT_ASSERT((tagged(20, 10) == std::vector<ContactId>{1, 3}));
  }

  void savingACredentialEndsTheContactsSessionsOnly() {
    write([&](Tx& tx) {
      tx.saveSession(session("s1", 1));
      tx.saveSession(session("s2", 2));
      Credential made = credential(1, std::string("k\0\1", 3));
      made.kind = CredentialKind::kSlow;
      made.origin = CredentialOrigin::kAdopted;
      made.source = "src";
      tx.saveCredential(made);
    });
    CPPUNIT_ASSERT(!hasSession("s1") && hasSession("s2"));
    read([&](store::Reader& r) {
      const auto back = r.findCredential(1);
      CPPUNIT_ASSERT(back.has_value());
      CPPUNIT_ASSERT_EQUAL(std::string("k\0\1", 3), back->hash);
      CPPUNIT_ASSERT_EQUAL(std::string("src"), back->source);
      CPPUNIT_ASSERT(back->kind == CredentialKind::kSlow);
      CPPUNIT_ASSERT(back->origin == CredentialOrigin::kAdopted);
      CPPUNIT_ASSERT(back->changedAt == at(5));
      CPPUNIT_ASSERT(!r.findCredential(2).has_value());
    });
  }

  void reformingACredentialKeepsSessions() {
    write([&](Tx& tx) {
      tx.saveCredential(credential(1, "fast"));
      tx.saveSession(session("s1", 1));
      tx.reformCredential(credential(1, "slow"));
    });
    CPPUNIT_ASSERT(hasSession("s1"));
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT_EQUAL(std::string("slow"), r.findCredential(1)->hash);
      CPPUNIT_ASSERT(r.findCredential(1)->source.empty());
    });
  }

  void deletingACredentialEndsItsSessions() {
    write([&](Tx& tx) {
      tx.saveCredential(credential(1, "h"));
      tx.saveSession(session("s1", 1));
    });
    const std::int64_t before = changes().back().id;
    write([&](Tx& tx) { tx.deleteCredential(1); });
    CPPUNIT_ASSERT(!hasSession("s1"));
    read([&](store::Reader& r) { CPPUNIT_ASSERT(!r.findCredential(1).has_value()); });
    const auto told = changes(before);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, told.size());
    CPPUNIT_ASSERT(told[0].kind == store::ChangeKind::kCredential && told[0].ref == 1);
    CPPUNIT_ASSERT(told[1].kind == store::ChangeKind::kSession && told[1].ref == 1);
  }

  void oneJobIsOpenPerKindAndKey() {
    JobId first = 0;
    bool fresh = false;
    write([&](Tx& tx) {
      first = tx.addJob(job("password", Lane::kPassword, at(1), "c:1"), &fresh);
      CPPUNIT_ASSERT(fresh);
      CPPUNIT_ASSERT_EQUAL(first,
                           tx.addJob(job("password", Lane::kPassword, at(9), "c:1"), &fresh));
      CPPUNIT_ASSERT(!fresh);
      CPPUNIT_ASSERT(tx.addJob(job("refresh", Lane::kRefresh, at(1), "c:1")) != first);
      const JobId keyless = tx.addJob(job("tags", Lane::kSite, at(1)));
      CPPUNIT_ASSERT(tx.addJob(job("tags", Lane::kSite, at(1)), &fresh) != keyless);
      CPPUNIT_ASSERT(fresh);
    });
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT_EQUAL(first, r.findOpenJob("password", "c:1")->id);
      CPPUNIT_ASSERT(!r.findOpenJob("password", "c:2").has_value());
      CPPUNIT_ASSERT(!r.findOpenJob("tags", "").has_value());
    });
    Job ended = foundJob(first);
    ended.state = JobState::kDone;
    CPPUNIT_ASSERT(saved(ended));
    CPPUNIT_ASSERT(added(job("password", Lane::kPassword, at(1), "c:1")) != first);
  }

  void aJobComesBackAsItWasAdded() {
    Job wanted = job("follow_up", Lane::kSite, at(77), "k");
    wanted.contactId = 42;
    wanted.payload = "{\"tags\":[1]}";
    wanted.sealed = std::string("\0sealed\xff", 8);
    wanted.reason = "why";
    wanted.attempts = 3;
    const Job back = foundJob(added(wanted));
    CPPUNIT_ASSERT_EQUAL(wanted.kind, back.kind);
    CPPUNIT_ASSERT(back.lane == Lane::kSite && back.state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, back.contactId.value());
    CPPUNIT_ASSERT_EQUAL(wanted.payload, back.payload);
    CPPUNIT_ASSERT_EQUAL(wanted.sealed, back.sealed);
    CPPUNIT_ASSERT_EQUAL(wanted.reason, back.reason);
    CPPUNIT_ASSERT_EQUAL(3, back.attempts);
    CPPUNIT_ASSERT(back.createdAt == at(1) && back.dueAt == at(77));
    CPPUNIT_ASSERT(back.leaseUntil == Instant{} && back.endedAt == Instant{});
  }

  void claimsGoByLaneThenByDueTime() {
    const Instant now = backend_->clock().now();
    const auto ago = [&](int seconds) { return now - std::chrono::seconds{seconds}; };
    const JobId refresh = added(job("r", Lane::kRefresh, ago(500)));
    const JobId late = added(job("p", Lane::kPassword, ago(10)));
    const JobId early = added(job("p", Lane::kPassword, ago(20)));
    const JobId login = added(job("l", Lane::kLogin, ago(1)));
    added(job("l", Lane::kLogin, now + std::chrono::seconds{60}));
    const auto jobs = claimed(3, now + std::chrono::minutes{1});
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, jobs.size());
    CPPUNIT_ASSERT_EQUAL(login, jobs[0].id);
    CPPUNIT_ASSERT_EQUAL(early, jobs[1].id);
    CPPUNIT_ASSERT_EQUAL(late, jobs[2].id);
    CPPUNIT_ASSERT(jobs[0].state == JobState::kRunning);
    CPPUNIT_ASSERT(jobs[0].leaseUntil == now + std::chrono::minutes{1});
    CPPUNIT_ASSERT(foundJob(login).state == JobState::kRunning);
    const auto rest = claimed(10, now + std::chrono::minutes{1});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rest.size());
    CPPUNIT_ASSERT_EQUAL(refresh, rest[0].id);
  }

  void claimsStopAtTheLowestLaneAsked() {
    const Instant now = backend_->clock().now();
    added(job("r", Lane::kRefresh, at(1)));
    const JobId password = added(job("p", Lane::kPassword, at(2)));
    const auto jobs = claimed(10, now + std::chrono::minutes{1}, Lane::kPassword);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs.size());
    CPPUNIT_ASSERT_EQUAL(password, jobs[0].id);
  }

  void aClaimedJobIsNotClaimedAgainUntilItsLeaseEnds() {
    const Instant now = backend_->clock().now();
    const JobId id = added(job("p", Lane::kPassword, at(1)));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, claimed(5, now + std::chrono::minutes{1}).size());
    CPPUNIT_ASSERT(claimed(5, now + std::chrono::minutes{1}).empty());
    backend_->clock().advance(std::chrono::seconds{61});
    const auto again = claimed(5, now + std::chrono::minutes{3});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, again.size());
    CPPUNIT_ASSERT_EQUAL(id, again[0].id);
  }

  void aLostLeaseCannotSave() {
    const Instant now = backend_->clock().now();
    added(job("p", Lane::kPassword, at(1)));
    Job slow = claimed(1, now + std::chrono::minutes{1}).at(0);
    backend_->clock().advance(std::chrono::minutes{2});
    Job fast = claimed(1, now + std::chrono::minutes{3}).at(0);
    slow.state = JobState::kDone;
    CPPUNIT_ASSERT(!saved(slow));
    fast.state = JobState::kDone;
    CPPUNIT_ASSERT(saved(fast));
  }

  void aLeaseCanBeExtended() {
    const Instant now = backend_->clock().now();
    added(job("p", Lane::kPassword, at(1)));
    Job mine = claimed(1, now + std::chrono::minutes{1}).at(0);
    mine.leaseUntil = now + std::chrono::minutes{5};
    mine.payload = "{\"step\":2}";
    CPPUNIT_ASSERT(saved(mine));
    backend_->clock().advance(std::chrono::minutes{2});
    CPPUNIT_ASSERT(claimed(1, now + std::chrono::minutes{9}).empty());
    CPPUNIT_ASSERT_EQUAL(mine.payload, foundJob(mine.id).payload);
    mine.state = JobState::kQueued;
    mine.dueAt = now + std::chrono::hours{1};
    mine.attempts = 1;
    mine.reason = "429";
    CPPUNIT_ASSERT(saved(mine));
    const Job back = foundJob(mine.id);
    CPPUNIT_ASSERT(back.state == JobState::kQueued && back.leaseUntil == Instant{});
    CPPUNIT_ASSERT(back.dueAt == mine.dueAt && back.attempts == 1 && back.reason == "429");
  }

  void anEndedJobCannotBeSavedAgain() {
    Job one = foundJob(added(job("p", Lane::kPassword, at(1))));
    one.state = JobState::kDropped;
    one.result = "{}";
    CPPUNIT_ASSERT(saved(one));
    const Job back = foundJob(one.id);
    CPPUNIT_ASSERT(back.state == JobState::kDropped && back.endedAt == backend_->clock().now());
    one.state = JobState::kQueued;
    CPPUNIT_ASSERT(!saved(one));
    one.id = 999;
    CPPUNIT_ASSERT(!saved(one));
  }

  JobId addedBehind(JobId before) {
    Job waiting = job("f", Lane::kPassword, at(1));
    waiting.state = JobState::kWaiting;
    waiting.after = before;
    waiting.sealed = "secret";
    return added(waiting);
  }
  void end(JobId id, JobState state) {
    Job ended = foundJob(id);
    ended.state = state;
    CPPUNIT_ASSERT(saved(ended));
  }

  void successAndRefusalReleaseWhatWaits() {
    for (const JobState state : {JobState::kDone, JobState::kRefused}) {
      const JobId first =
          added(job("p", Lane::kPassword, backend_->clock().now() + std::chrono::hours{1}));
      const JobId second = addedBehind(first);
      CPPUNIT_ASSERT(claimed(9, backend_->clock().now() + std::chrono::minutes{1}).empty());
      end(first, state);
      CPPUNIT_ASSERT(foundJob(second).state == JobState::kQueued);
      CPPUNIT_ASSERT_EQUAL(std::string("secret"), foundJob(second).sealed);
      end(second, JobState::kDropped);
    }
  }

  void givingUpKillsWhatWaitsAndWhatWaitsForThat() {
    const JobId first = added(job("p", Lane::kPassword, at(1)));
    const JobId second = addedBehind(first);
    const JobId third = addedBehind(second);
    end(first, JobState::kDead);
    for (const JobId id : {second, third}) {
      const Job killed = foundJob(id);
      CPPUNIT_ASSERT(killed.state == JobState::kDead);
      CPPUNIT_ASSERT(!killed.reason.empty() && killed.sealed.empty());
      CPPUNIT_ASSERT(killed.endedAt == backend_->clock().now());
    }
  }

  void aJobBehindAnEndedOneDoesNotWait() {
    const JobId good = added(job("p", Lane::kPassword, at(1)));
    end(good, JobState::kDone);
    CPPUNIT_ASSERT(foundJob(addedBehind(good)).state == JobState::kQueued);
    const JobId bad = added(job("p", Lane::kPassword, at(1)));
    end(bad, JobState::kDead);
    CPPUNIT_ASSERT(foundJob(addedBehind(bad)).state == JobState::kDead);
  }

  void nextDueIsTheEarliestOfDueTimesAndLeases() {
    const auto next = [&](Lane lowest) {
      std::optional<Instant> due;
      read([&](store::Reader& r) { due = r.nextJobDue(lowest); });
      return due;
    };
    CPPUNIT_ASSERT(!next(Lane::kBackfill).has_value());
    const Instant now = backend_->clock().now();
    const auto in = [&](int seconds) { return now + std::chrono::seconds{seconds}; };
    added(job("p", Lane::kPassword, in(50)));
    added(job("r", Lane::kRefresh, in(40)));
    CPPUNIT_ASSERT(next(Lane::kBackfill) == in(40));
    CPPUNIT_ASSERT(next(Lane::kPassword) == in(50));
    CPPUNIT_ASSERT(!next(Lane::kSite).has_value());
    added(job("l", Lane::kLogin, at(1)));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, claimed(1, in(30)).size());
    CPPUNIT_ASSERT(next(Lane::kBackfill) == in(30));
    CPPUNIT_ASSERT(next(Lane::kLogin) == in(30));
  }

  void jobsAreCountedAndListedByState() {
    const JobId a = added(job("p", Lane::kPassword, at(1)));
    const JobId b = added(job("p", Lane::kPassword, at(1)));
    added(job("r", Lane::kRefresh, at(1)));
    end(a, JobState::kDead);
    end(b, JobState::kDead);
    read([&](store::Reader& r) {
      const auto dead = r.listJobs(JobState::kDead, 10);
      CPPUNIT_ASSERT_EQUAL(std::size_t{2}, dead.size());
      CPPUNIT_ASSERT_EQUAL(b, dead[0].id);
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, r.listJobs(JobState::kDead, 1).size());
      std::int64_t deadPasswords = 0;
      std::int64_t all = 0;
      for (const auto& count : r.countJobs()) {
        all += count.count;
        if (count.lane == static_cast<int>(Lane::kPassword) &&
            count.state == static_cast<int>(JobState::kDead)) {
          deadPasswords = count.count;
        }
      }
      CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, deadPasswords);
      CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, all);
    });
  }

  void openJobsOfAContactAreSeen() {
    Job mine = job("password", Lane::kPassword, at(1));
    mine.contactId = 5;
    const JobId id = added(mine);
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT(r.hasOpenJob("password", 5));
      CPPUNIT_ASSERT(!r.hasOpenJob("password", 6));
      CPPUNIT_ASSERT(!r.hasOpenJob("refresh", 5));
    });
    end(id, JobState::kDone);
    read([&](store::Reader& r) { CPPUNIT_ASSERT(!r.hasOpenJob("password", 5)); });
  }

  static store::DeliveryRecord delivery(const std::string& digest, Instant received,
                                        const std::string& followUp, const std::string& status) {
    store::DeliveryRecord record;
    record.receivedAt = received;
    record.route = "mbr_genpass";
    record.digest = digest;
    record.contactId = 3;
    record.followUp = followUp;
    record.status = status;
    record.requestId = "r-1";
    return record;
  }

  void onlyADeliveryWithItsOwnFollowUpMakesADuplicate() {
    const std::string digest("\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7", 16);
    const std::string other("\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\x8", 16);
    write([&](Tx& tx) {
      tx.addDelivery(delivery(digest, at(100), "{\"password\":true}", "accepted"));
      tx.addDelivery(delivery(digest, at(150), "", "duplicate"));
      tx.addDelivery(delivery(other, at(150), "", "accepted"));
    });
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT(r.hasDelivery(digest, at(100)));
      CPPUNIT_ASSERT(!r.hasDelivery(digest, at(101)));
      CPPUNIT_ASSERT(!r.hasDelivery(other, at(0)));
      store::DeliveryQuery all;
      all.contact = 3;
      const auto hit = r.searchDeliveries(all, 3).back();  // the first of them
      CPPUNIT_ASSERT(hit.receivedAt == at(100) && hit.digest == digest);
      CPPUNIT_ASSERT_EQUAL(ContactId{3}, hit.contactId.value());
      CPPUNIT_ASSERT_EQUAL(std::string("r-1"), hit.requestId);
      CPPUNIT_ASSERT(hit.id > 0);
    });
  }

  static store::CodeRecord code(const std::string& name) {
    store::CodeRecord record;
    record.name = name;
    record.keyId = "m1";
    record.digest = std::string(32, '\x9');
    record.purposes = "genpass,events";
    record.isShort = true;
    record.createdAt = at(3);
    return record;
  }
  static store::ApiKeyRecord key(const std::string& name) {
    store::ApiKeyRecord record;
    record.name = name;
    record.prefix = "mbg_1";
    record.digest = std::string(32, '\x8');
    record.scopes = "login";
    record.createdAt = at(3);
    return record;
  }

  void revokedCodesStayListedAndFreeTheirName() {
    write([&](Tx& tx) {
      CPPUNIT_ASSERT(tx.addCode(code("site")) > 0);
      CPPUNIT_ASSERT(tx.revokeCode("site"));
      CPPUNIT_ASSERT(!tx.revokeCode("site"));
      CPPUNIT_ASSERT(!tx.revokeCode("other"));
      tx.addCode(code("site"));
    });
    read([&](store::Reader& r) {
      const auto codes = r.listCodes();
      CPPUNIT_ASSERT_EQUAL(std::size_t{2}, codes.size());
      CPPUNIT_ASSERT(codes[0].revokedAt == backend_->clock().now());
      CPPUNIT_ASSERT(!codes[1].revokedAt.has_value());
      CPPUNIT_ASSERT_EQUAL(std::string(32, '\x9'), codes[1].digest);
      CPPUNIT_ASSERT_EQUAL(std::string("genpass,events"), codes[1].purposes);
      CPPUNIT_ASSERT(codes[1].isShort && codes[1].createdAt == at(3));
    });
  }

  void revokedKeysStayListedAndFreeTheirName() {
    write([&](Tx& tx) {
      tx.addApiKey(key("site"));
      CPPUNIT_ASSERT(tx.revokeApiKey("site"));
      CPPUNIT_ASSERT(!tx.revokeApiKey("site"));
      tx.addApiKey(key("site"));
    });
    read([&](store::Reader& r) {
      const auto keys = r.listApiKeys();
      CPPUNIT_ASSERT_EQUAL(std::size_t{2}, keys.size());
      CPPUNIT_ASSERT(keys[0].revokedAt.has_value() && !keys[1].revokedAt.has_value());
      CPPUNIT_ASSERT_EQUAL(std::string("mbg_1"), keys[1].prefix);
      CPPUNIT_ASSERT_EQUAL(std::string("login"), keys[1].scopes);
    });
  }

  void aNameInForceIsNotGivenTwice() {
    const Outcome outcome = backend_->store().write([&](Tx& tx) -> Outcome {
      tx.addCode(code("site"));
      tx.addCode(code("site"));
      return Done{};
    });
    CPPUNIT_ASSERT(!outcome && outcome.error().code == Code::kConflict);
    read([&](store::Reader& r) { CPPUNIT_ASSERT(r.listCodes().empty()); });
  }

  void sessionsComeBackAndEnd() {
    write([&](Tx& tx) {
      tx.saveSession(session("a", 1));
      tx.saveSession(session("b", 1));
      tx.saveSession(session("c", 2));
    });
    auto used = session("a", 1);
    used.usedAt = at(9);
    const std::int64_t before = changes().back().id;
    write([&](Tx& tx) { tx.saveSession(used); });
    CPPUNIT_ASSERT(changes(before).empty());  // nothing to drop anywhere
    read([&](store::Reader& r) {
      const auto back = r.findSession("a");
      CPPUNIT_ASSERT(back->usedAt == at(9) && back->expiresAt == at(1000));
      CPPUNIT_ASSERT_EQUAL(std::string("password"), back->via);
    });
    write([&](Tx& tx) { tx.deleteSession("a"); });
    CPPUNIT_ASSERT(!hasSession("a") && hasSession("b"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, changes(before).size());
    write([&](Tx& tx) { tx.deleteSessionsOf(1); });
    CPPUNIT_ASSERT(!hasSession("b") && hasSession("c"));
  }

  void throttleRowsAreListedByActivityAndExpire() {
    store::ThrottleRecord failing{std::string(16, '\1'), 3, at(10), at(20), std::nullopt};
    store::ThrottleRecord good{std::string(16, '\2'), 0, at(10), at(10), at(50)};
    write([&](Tx& tx) {
      tx.saveThrottle(failing);
      failing.failures = 4;
      tx.saveThrottle(failing);
      tx.saveThrottle(good);
    });
    read([&](store::Reader& r) {
      const auto all = r.listThrottle(at(0), 10);
      CPPUNIT_ASSERT_EQUAL(std::size_t{2}, all.size());
      CPPUNIT_ASSERT_EQUAL(good.key, all[0].key);
      CPPUNIT_ASSERT(all[0].succeededAt == at(50) && !all[1].succeededAt.has_value());
      CPPUNIT_ASSERT_EQUAL(4, all[1].failures);
      CPPUNIT_ASSERT(all[1].firstFailureAt == at(10) && all[1].lastFailureAt == at(20));
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, r.listThrottle(at(20), 10).size());
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, r.listThrottle(at(0), 1).size());
    });
    write([&](Tx& tx) { tx.deleteThrottle(at(30), at(30)); });
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, r.listThrottle(at(0), 10).size());
    });
  }

  void theBudgetIsOneRow() {
    read([&](store::Reader& r) { CPPUNIT_ASSERT(r.loadBudget().sends.empty()); });
    for (int i = 1; i <= 2; ++i) {
      write([&](Tx& tx) { tx.saveBudget({{at(i), at(i + 1)}, at(i + 2), at(i + 3)}); });
    }
    read([&](store::Reader& r) {
      const auto budget = r.loadBudget();
      CPPUNIT_ASSERT((budget.sends == std::vector<Instant>{at(2), at(3)}));
      CPPUNIT_ASSERT(budget.nextSlot == at(4) && budget.frozenUntil == at(5));
    });
  }

  void aDirectoryIsReplacedAsAWhole() {
    using store::Directory;
    write([&](Tx& tx) {
      tx.saveDirectory(Directory::kTags, {{2, "Gold, old"}, {1, "New"}});
      tx.saveDirectory(Directory::kAutomations, {{7, "Welcome"}});
      tx.saveDirectory(Directory::kLists, {{8, "News"}});
      tx.saveFields({{4, "CITY", "City"}});
    });
    const std::int64_t before = changes().back().id;
    write([&](Tx& tx) {
      tx.saveDirectory(Directory::kAutomations, {{7, "Welcome"}});
      tx.saveFields({{4, "CITY", "City"}});
    });
    CPPUNIT_ASSERT(changes(before).empty());
    write([&](Tx& tx) { tx.saveDirectory(Directory::kTags, {{3, "Only"}}); });
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, changes(before).size());
    CPPUNIT_ASSERT(changes(before)[0].kind == store::ChangeKind::kDirectory);
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, r.listDirectory(Directory::kTags).size());
      CPPUNIT_ASSERT_EQUAL(std::string("Only"), r.listDirectory(Directory::kTags)[0].name);
      CPPUNIT_ASSERT_EQUAL(std::string("Welcome"),
                           r.listDirectory(Directory::kAutomations)[0].name);
      CPPUNIT_ASSERT_EQUAL(std::string("News"), r.listDirectory(Directory::kLists)[0].name);
      CPPUNIT_ASSERT_EQUAL(std::string("CITY"), r.listFields()[0].perstag);
      CPPUNIT_ASSERT_EQUAL(std::string("City"), r.listFields()[0].title);
    });
  }

  void metaHoldsTheInstallationTime() {
    const auto meta = [&](const char* name) {
      std::optional<std::string> value;
      read([&](store::Reader& r) { value = r.findMeta(name); });
      return value;
    };
    const auto installed = meta("installed_at");
    CPPUNIT_ASSERT(installed == std::to_string(toEpochMs(backend_->clock().now())));
    backend_->clock().advance(std::chrono::hours{1});
    backend_->reopen();
    CPPUNIT_ASSERT(meta("installed_at") == installed);
    write([&](Tx& tx) { tx.setMeta("epoch", "1"); });
    write([&](Tx& tx) { tx.setMeta("epoch", "2"); });
    CPPUNIT_ASSERT(meta("epoch") == "2");
    CPPUNIT_ASSERT(!meta("unknown").has_value());
  }

  void changesComeInOrderAndInPages() {
    for (ContactId id = 1; id <= 5; ++id) write([&](Tx& tx) { tx.saveContact(contact(id)); });
    const auto all = changes();
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CPPUNIT_ASSERT_EQUAL(static_cast<std::int64_t>(i + 1), all[i].ref);
      CPPUNIT_ASSERT(i == 0 || all[i].id > all[i - 1].id);
      CPPUNIT_ASSERT(all[i].at == backend_->clock().now());
    }
    const auto page = changes(all[1].id, 2);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, page.size());
    CPPUNIT_ASSERT_EQUAL(all[2].id, page[0].id);
    read([&](store::Reader& r) { CPPUNIT_ASSERT_EQUAL(all[4].id, r.lastChangeId()); });
  }

  void whatChangesNothingForReadersAddsNoChange() {
    write([&](Tx& tx) {
      tx.addDelivery(delivery("d", at(1), "", "accepted"));
      tx.saveBudget({});
      tx.saveThrottle({"k", 1, at(1), at(1), std::nullopt});
      tx.setMeta("a", "b");
      tx.addAudit({at(1), "cli", "code_created", std::nullopt, "", ""});
      tx.deleteSession("none");
      tx.deleteCredential(1);
    });
    CPPUNIT_ASSERT(changes().empty());
  }

  void tombstonesKeepTheirTime() {
    write([&](Tx& tx) { tx.addTombstones({"digest"}); });
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT(r.hasTombstone("digest") && !r.hasTombstone("other"));
      CPPUNIT_ASSERT(r.findTombstone("digest") == backend_->clock().now());
      CPPUNIT_ASSERT(!r.findTombstone("other").has_value());
    });
    write([&](Tx& tx) { tx.deleteTombstone("digest"); });
    read([&](store::Reader& r) { CPPUNIT_ASSERT(!r.hasTombstone("digest")); });
  }

  void pruneTakesWhatIsOldAndReusesNoId() {
    const Instant start = backend_->clock().now();
    JobId old = 0;
    write([&](Tx& tx) {
      tx.addDelivery(delivery("old", start, "{}", "accepted"));
      old = tx.addJob(job("p", Lane::kPassword, at(1)));
      tx.addAudit({start, "cli", "x", std::nullopt, "", ""});
    });
    end(old, JobState::kDone);
    const JobId open = added(job("p", Lane::kPassword, at(1)));
    const std::int64_t lastChange = changes().back().id;
    backend_->clock().advance(std::chrono::hours{1});
    const Instant later = backend_->clock().now();
    write([&](Tx& tx) { tx.addDelivery(delivery("new", later, "{}", "accepted")); });
    write([&](Tx& tx) { tx.prune(later, later, later, later); });
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT(!r.hasDelivery("old", at(0)));
      CPPUNIT_ASSERT(r.hasDelivery("new", at(0)));
      CPPUNIT_ASSERT(!r.findJob(old).has_value());
      CPPUNIT_ASSERT(r.findJob(open).has_value());
      CPPUNIT_ASSERT_EQUAL(lastChange, r.lastChangeId());
      CPPUNIT_ASSERT_EQUAL(lastChange, r.firstChangeId());
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, r.changesAfter(0, 10).size());
    });
    backend_->reopen();
    write([&](Tx& tx) { tx.saveContact(contact(1)); });
    CPPUNIT_ASSERT_EQUAL(lastChange + 1, changes().back().id);
  }

  void anErrorRollsBackItsOwnPieceOnly() {
    std::promise<void> hold;
    std::shared_future<void> held = hold.get_future().share();
    backend_->store().submit([held](Tx&) -> Outcome { return held.wait(), Done{}; },
                             [](Outcome) {});
    std::vector<std::promise<Outcome>> outcomes(10);
    for (int i = 0; i < 10; ++i) {
      backend_->store().submit(
          [i](Tx& tx) -> Outcome {
            tx.saveContact(contact(i + 1));
            if (i == 4) return Error{Code::kNotFound, "five", std::nullopt};
            return Done{};
          },
          [&outcomes, i](Outcome outcome) {
            outcomes[static_cast<std::size_t>(i)].set_value(outcome);
          });
    }
    hold.set_value();  // all ten wait: they are one group now
    for (int i = 0; i < 10; ++i) {
      const Outcome outcome = outcomes[static_cast<std::size_t>(i)].get_future().get();
      CPPUNIT_ASSERT_EQUAL(i != 4, outcome.ok());
      if (i == 4) CPPUNIT_ASSERT(outcome.error().code == Code::kNotFound);
      CPPUNIT_ASSERT_EQUAL(i != 4, found(i + 1).has_value());
    }
    const auto all = changes();
    CPPUNIT_ASSERT_EQUAL(std::size_t{9}, all.size());
    for (std::size_t i = 1; i < all.size(); ++i) CPPUNIT_ASSERT_EQUAL(all[i - 1].id + 1, all[i].id);
  }

  void aThrowingPieceIsAnInternalErrorAndRollsBack() {
    const Outcome outcome = backend_->store().write([&](Tx& tx) -> Outcome {
      tx.saveContact(contact(1));
      throw std::runtime_error("a bug");
    });
    CPPUNIT_ASSERT(!outcome && outcome.error().code == Code::kInternal);
    CPPUNIT_ASSERT(!found(1).has_value());
    const Outcome seen = backend_->store().read(
        [](store::Reader&) -> Outcome { throw std::runtime_error("a bug"); });
    CPPUNIT_ASSERT(!seen && seen.error().code == Code::kInternal);
  }

  void textWithANulIsRefused() {
    const Outcome outcome = backend_->store().write([&](Tx& tx) -> Outcome {
      tx.setMeta("a", std::string_view("x\0y", 3));
      return Done{};
    });
    CPPUNIT_ASSERT(!outcome && outcome.error().code == Code::kInvalid);
  }

  void bytesMayHoldAnything() {
    std::string digest;
    for (int i = 0; i < 256; ++i) digest.push_back(static_cast<char>(i));
    write([&](Tx& tx) {
      tx.addTombstones({digest});
      tx.saveSession(session(digest, 1));
    });
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT(r.hasTombstone(digest));
      CPPUNIT_ASSERT_EQUAL(digest, r.findSession(digest)->digest);
    });
  }

  void listenersHearACommitBeforeDone() {
    std::mutex mutex;
    std::vector<std::string> order;
    backend_->store().subscribe([&](const std::vector<store::Change>& told) {
      const std::lock_guard lock(mutex);
      for (const auto& change : told) order.push_back("change " + std::to_string(change.ref));
    });
    std::promise<void> done;
    backend_->store().submit(
        [](Tx& tx) -> Outcome {
          tx.saveContact(contact(1));
          tx.saveContact(contact(2));
          return Done{};
        },
        [&](Outcome) {
          const std::lock_guard lock(mutex);
          order.push_back("done");
          done.set_value();
        });
    done.get_future().wait();
    const Outcome refused = backend_->store().write([](Tx& tx) -> Outcome {
      tx.saveContact(contact(3));
      return Error{Code::kConflict, "no", std::nullopt};
    });
    CPPUNIT_ASSERT(!refused);
    const std::lock_guard lock(mutex);
    CPPUNIT_ASSERT((order == std::vector<std::string>{"change 1", "change 2", "done"}));
  }

  void submittedPiecesRunInOrder() {
    std::vector<int> ran;
    std::vector<int> finished;
    std::promise<void> all;
    for (int i = 0; i < 2000; ++i) {
      backend_->store().submit(
          [&ran, i](Tx&) -> Outcome {
            ran.push_back(i);
            return Done{};
          },
          [&, i](Outcome) {
            finished.push_back(i);
            if (i == 1999) all.set_value();
          });
    }
    all.get_future().wait();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2000}, ran.size());
    CPPUNIT_ASSERT(std::is_sorted(ran.begin(), ran.end()));
    CPPUNIT_ASSERT(ran == finished);
  }

  void aReaderSeesOneView() {
    write([&](Tx& tx) { tx.saveContact(contact(1)); });
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, r.countContacts());
      write([&](Tx& tx) { tx.saveContact(contact(2)); });
      CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, r.countContacts());
      CPPUNIT_ASSERT(!r.findContact(2).has_value());
    });
    read([&](store::Reader& r) { CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, r.countContacts()); });
  }

  void everythingIsThereAfterReopening() {
    write([&](Tx& tx) {
      tx.saveContact(contact(1, "a@example.org", {4}));
      tx.saveCredential(credential(1, "h"));
      tx.addJob(job("p", Lane::kPassword, at(1), "k"));
    });
    backend_->reopen();
    CPPUNIT_ASSERT_EQUAL(ContactId{1}, owner("a@example.org"));
    read([&](store::Reader& r) {
      CPPUNIT_ASSERT(r.findCredential(1).has_value());
      CPPUNIT_ASSERT(r.findOpenJob("p", "k").has_value());
    });
  }

  std::unique_ptr<Backend> backend_;
};

}  // namespace mbr::test
