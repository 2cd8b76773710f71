// What every backend of the store must do for the site: visitors, links, idempotency keys, and
// erasing. Registered as StoreContractTest is.
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "store/store.h"

namespace mbr::test {

template <class Backend>
class SiteContractTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SiteContractTest);
  CPPUNIT_TEST(visitorsAreContactsOfUsedSessionsWhosePullIsOld);
  CPPUNIT_TEST(aVisitorIsListedOnceAndDeletedOnesAreNot);
  CPPUNIT_TEST(aLinkComesBackAsItWasSaved);
  CPPUNIT_TEST(linksOfOneContactGoTogether);
  CPPUNIT_TEST(anIdempotencyKeyBelongsToItsApiKey);
  CPPUNIT_TEST(pruneTakesKeysAndLinksOfMoreThanADayAgo);
  CPPUNIT_TEST(erasingLeavesNothingOfTheContactAndAllOfOthers);
  CPPUNIT_TEST(erasingDropsOpenJobsAndEmptiesEndedOnes);
  CPPUNIT_TEST(erasingFindsJobsThatKnowTheEmailOnly);
  CPPUNIT_TEST(aRunningJobOfAnErasedContactCannotBeSaved);
  CPPUNIT_TEST(erasingIsToldOnce);
  CPPUNIT_TEST(erasingADeletedContactErasesItToo);
  CPPUNIT_TEST(deliveriesAndAuditLoseTheName);
  CPPUNIT_TEST(digestsOfOneErasureGoTogether);
  CPPUNIT_TEST(oneDigestCanGoAlone);
  CPPUNIT_TEST(aSecondErasureTakesInTheFirst);
  CPPUNIT_TEST(jobsAreFoundByStateKindAndWhoseTheyAre);
  CPPUNIT_TEST(deliveriesAreFoundByIdTimeAndWhoseTheyAre);
  CPPUNIT_TEST(theHistoryOfAContactIsItsOwnAndNewestFirst);
  CPPUNIT_TEST(emailsAreListedByHowTheyBegin);
  CPPUNIT_TEST(credentialsAreCountedByOrigin);
  CPPUNIT_TEST(onlyADeadJobIsRevivedAndBeginsAnew);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { backend_ = std::make_unique<Backend>(); }
  void tearDown() override { backend_.reset(); }

 private:
  using Tx = store::Transaction;
  using Reader = store::Reader;
  using Ids = std::vector<std::int64_t>;

  static Instant at(std::int64_t seconds) { return Instant{std::chrono::seconds{seconds}}; }
  Instant now() { return backend_->clock().now(); }

  template <class WorkFn>
  void write(WorkFn work) {
    backend_->write(work);
  }
  // What `look` finds in one read.
  template <class LookFn>
  auto seen(LookFn look) {
    std::optional<decltype(look(std::declval<Reader&>()))> result;
    backend_->read([&](Reader& r) { result = look(r); });
    return *result;
  }

  static Contact contact(ContactId id, const std::string& address = "") {
    Contact made;
    made.id = id;
    made.email = Email::parse(address);
    made.tags = {1, 2};
    made.asOf = at(100);
    made.changedAt = at(100);
    return made;
  }
  static Contact pulled(ContactId id, std::optional<Instant> when) {
    Contact made = contact(id);
    made.pulledAt = when;
    return made;
  }
  static store::SessionRecord session(const std::string& digest, ContactId id, Instant usedAt) {
    return {digest, id, "password", at(1), usedAt, at(100000)};
  }
  static Job job(const std::string& kind, ContactId contact, const std::string& key = "") {
    Job made;
    made.kind = kind;
    made.lane = Lane::kSite;
    made.contactId = contact;
    made.key = key;
    made.payload = "{\"email\":\"a@example.org\"}";
    made.sealed = "sealed";
    made.createdAt = at(1);
    made.dueAt = at(1);
    return made;
  }
  JobId added(const Job& wanted) {
    JobId id = 0;
    write([&](Tx& tx) { id = tx.addJob(wanted); });
    return id;
  }
  Job job(JobId id) {
    const auto found = seen([&](Reader& r) { return r.findJob(id); });
    CPPUNIT_ASSERT(found.has_value());
    return *found;
  }
  void erase(ContactId id) {
    write([&](Tx& tx) { tx.eraseContact(id); });
  }
  static store::LinkRecord link(const std::string& digest, ContactId id, Instant expiresAt,
                                std::optional<Instant> usedAt = {}) {
    return {digest, id, at(1), expiresAt, usedAt};
  }
  bool hasLink(const std::string& digest) {
    return seen([&](Reader& r) { return r.findLink(digest).has_value(); });
  }
  Ids visitors(Instant usedSince, Instant pulledBefore, int limit = 100) {
    return seen([&](Reader& r) { return r.listVisitors(usedSince, pulledBefore, limit); });
  }
  bool hasTombstone(const std::string& digest) {
    return seen([&](Reader& r) { return r.hasTombstone(digest); });
  }

  void visitorsAreContactsOfUsedSessionsWhosePullIsOld() {
    write([&](Tx& tx) {
      tx.saveContact(pulled(1, at(50)));
      tx.saveContact(pulled(2, at(60)));
      tx.saveContact(pulled(3, std::nullopt));
      tx.saveContact(pulled(4, at(10)));
      tx.saveContact(pulled(5, at(10)));
      for (ContactId id = 1; id <= 3; ++id) {
        tx.saveSession(session("s" + std::to_string(id), id, at(100)));
      }
      tx.saveSession(session("s4", 4, at(99)));
      tx.saveSession(session("s9", 9, at(100)));  // its contact is unknown
    });
    CPPUNIT_ASSERT((visitors(at(100), at(60)) == Ids{1, 3}));
    CPPUNIT_ASSERT((visitors(at(99), at(61)) == Ids{1, 2, 3, 4}));
    CPPUNIT_ASSERT((visitors(at(99), at(61), 2) == Ids{1, 2}));
    CPPUNIT_ASSERT(visitors(at(101), at(61)).empty());
  }

  void aVisitorIsListedOnceAndDeletedOnesAreNot() {
    write([&](Tx& tx) {
      Contact gone = contact(2);
      gone.deletedAt = at(5);
      tx.saveContact(contact(1));
      tx.saveContact(gone);
      tx.saveSession(session("a", 1, at(100)));
      tx.saveSession(session("b", 1, at(101)));
      tx.saveSession(session("c", 2, at(100)));
    });
    CPPUNIT_ASSERT((visitors(at(100), at(60)) == Ids{1}));
  }

  void aLinkComesBackAsItWasSaved() {
    const std::string digest("\0\x01\xff link", 8);
    write([&](Tx& tx) { tx.saveLink(link(digest, 7, at(60))); });
    auto back = seen([&](Reader& r) { return r.findLink(digest); });
    CPPUNIT_ASSERT(back.has_value());
    CPPUNIT_ASSERT_EQUAL(digest, back->digest);
    CPPUNIT_ASSERT_EQUAL(ContactId{7}, back->contactId);
    CPPUNIT_ASSERT(back->createdAt == at(1) && back->expiresAt == at(60) && !back->usedAt);
    write([&](Tx& tx) { tx.saveLink(link(digest, 7, at(60), at(30))); });
    back = seen([&](Reader& r) { return r.findLink(digest); });
    CPPUNIT_ASSERT(back && back->usedAt == at(30));
    CPPUNIT_ASSERT(!hasLink("other"));
  }

  void linksOfOneContactGoTogether() {
    write([&](Tx& tx) {
      tx.saveLink(link("a", 1, at(60)));
      tx.saveLink(link("b", 1, at(60), at(2)));
      tx.saveLink(link("c", 2, at(60)));
      tx.deleteLinksOf(1);
    });
    CPPUNIT_ASSERT(!hasLink("a") && !hasLink("b") && hasLink("c"));
  }

  void anIdempotencyKeyBelongsToItsApiKey() {
    write([&](Tx& tx) {
      tx.saveIdempotency({1, "k", std::string("\0one", 4), 11, at(5)});
      tx.saveIdempotency({2, "k", "two", 12, at(6)});
    });
    const auto find = [&](std::int64_t apiKey, const std::string& key) {
      return seen([&](Reader& r) { return r.findIdempotency(apiKey, key); });
    };
    CPPUNIT_ASSERT(find(1, "k").has_value() && find(2, "k").has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("\0one", 4), find(1, "k")->request);
    CPPUNIT_ASSERT_EQUAL(JobId{12}, find(2, "k")->jobId);
    CPPUNIT_ASSERT(find(1, "k")->createdAt == at(5) && find(1, "k")->key == "k");
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, find(2, "k")->apiKeyId);
    CPPUNIT_ASSERT(!find(3, "k") && !find(1, "K"));
    write([&](Tx& tx) { tx.saveIdempotency({1, "k", "again", 13, at(7)}); });
    CPPUNIT_ASSERT(find(1, "k")->jobId == 13 && find(1, "k")->request == "again");
    CPPUNIT_ASSERT(find(2, "k")->jobId == 12);
  }

  void pruneTakesKeysAndLinksOfMoreThanADayAgo() {
    const Instant dayAgo = now() - std::chrono::hours{24};
    const Instant before = dayAgo - std::chrono::seconds{1};
    const Instant later = now() + std::chrono::hours{1};
    write([&](Tx& tx) {
      tx.saveIdempotency({1, "old", "x", 1, before});
      tx.saveIdempotency({1, "new", "x", 1, dayAgo});
      tx.saveLink(link("used long ago", 1, later, before));
      tx.saveLink(link("used", 1, later, dayAgo));
      tx.saveLink(link("ended long ago", 1, before));
      tx.saveLink(link("ended", 1, dayAgo));
      tx.saveLink(link("fresh", 1, later));
      tx.prune(at(0), at(0), at(0), at(0));
    });
    CPPUNIT_ASSERT(!seen([](Reader& r) { return r.findIdempotency(1, "old").has_value(); }));
    CPPUNIT_ASSERT(seen([](Reader& r) { return r.findIdempotency(1, "new").has_value(); }));
    CPPUNIT_ASSERT(!hasLink("used long ago") && !hasLink("ended long ago"));
    CPPUNIT_ASSERT(hasLink("used") && hasLink("ended") && hasLink("fresh"));
  }

  // Everything the store can hold of a contact.
  void fill(ContactId id, const std::string& address) {
    const std::string name = std::to_string(id);
    write([&](Tx& tx) {
      tx.saveContact(contact(id, address));
      Credential credential;
      credential.contactId = id;
      credential.hash = "hash";
      tx.saveCredential(credential);
      tx.saveSession(session("s" + name, id, at(2)));
      tx.saveLink(link("l" + name, id, at(9)));
      tx.addAbsent({id});
    });
  }
  bool hasAnyOf(ContactId id, const std::string& address) {
    const std::string name = std::to_string(id);
    return seen([&](Reader& r) {
      const std::vector<ContactId> tagged = r.contactsWithTag(1, 100);
      return r.findContact(id) || r.findContactByEmail(*Email::parse(address)) ||
             std::find(tagged.begin(), tagged.end(), id) != tagged.end() || r.findCredential(id) ||
             r.findSession("s" + name) || r.findLink("l" + name);
    });
  }

  void erasingLeavesNothingOfTheContactAndAllOfOthers() {
    fill(1, "a@example.org");
    fill(2, "b@example.org");
    erase(1);
    CPPUNIT_ASSERT(!hasAnyOf(1, "a@example.org"));
    seen([&](Reader& r) {
      CPPUNIT_ASSERT(r.findContact(2) && r.findContactByEmail(*Email::parse("b@example.org")));
      CPPUNIT_ASSERT((r.contactsWithTag(1, 9) == Ids{2}));
      CPPUNIT_ASSERT(r.findCredential(2) && r.findSession("s2") && r.findLink("l2"));
      CPPUNIT_ASSERT(r.countContacts() == 1 && r.countAbsent() == 1);
      return 0;
    });
    erase(1);  // a second time does nothing
    erase(99);
    CPPUNIT_ASSERT(seen([](Reader& r) { return r.countContacts(); }) == 1);
  }

  void erasingDropsOpenJobsAndEmptiesEndedOnes() {
    fill(1, "a@example.org");
    const JobId queued = added(job("change", 1, "key"));
    Job behind = job("tags", 1);
    behind.state = JobState::kWaiting;
    behind.after = queued;
    const JobId waiting = added(behind);
    const JobId ended = added(job("refresh", 1));
    write([&](Tx& tx) {
      Job done = *tx.findJob(ended);
      done.state = JobState::kDone;
      done.result = "{\"email\":\"a@example.org\"}";
      done.sealed.clear();
      tx.saveJob(done);
    });
    const JobId others = added(job("change", 2, "other"));
    erase(1);
    for (const JobId id : {queued, waiting}) {
      CPPUNIT_ASSERT(job(id).state == JobState::kDropped);
      CPPUNIT_ASSERT(job(id).sealed.empty() && job(id).payload.empty() && job(id).key.empty());
      CPPUNIT_ASSERT(job(id).endedAt == now());
    }
    CPPUNIT_ASSERT(job(ended).state == JobState::kDone && job(ended).payload.empty());
    CPPUNIT_ASSERT(job(ended).result.empty());
    CPPUNIT_ASSERT(job(others).state == JobState::kQueued && !job(others).payload.empty());
    CPPUNIT_ASSERT_MESSAGE("nothing waits for a job that will not run",
                           seen([](Reader& r) { return r.listOpenJobsOf(1).empty(); }));
  }

  void erasingFindsJobsThatKnowTheEmailOnly() {
    fill(1, "a@example.org");
    const auto byEmail = [&](const std::string& address) {
      Job made = job("password", 0, "email:" + address);
      made.contactId.reset();
      made.payload = "{\"email\":\"" + address + "\"}";
      return added(made);
    };
    const JobId theirs = byEmail("a@example.org");
    const JobId longer = byEmail("aa@example.org");
    erase(1);
    CPPUNIT_ASSERT(job(theirs).state == JobState::kDropped && job(theirs).payload.empty());
    CPPUNIT_ASSERT(job(theirs).key.empty());
    CPPUNIT_ASSERT(job(longer).state == JobState::kQueued && !job(longer).payload.empty());
  }

  void aRunningJobOfAnErasedContactCannotBeSaved() {
    const JobId id = added(job("change", 1, "key"));
    std::optional<Job> held;
    write([&](Tx& tx) { held = tx.claimJob(id, now() + std::chrono::seconds{60}); });
    erase(1);
    bool saved = true;
    held->state = JobState::kDone;
    write([&](Tx& tx) { saved = tx.saveJob(*held); });
    CPPUNIT_ASSERT(!saved && job(id).state == JobState::kDropped && job(id).payload.empty());
  }

  void erasingIsToldOnce() {
    fill(1, "a@example.org");
    const JobId id = added(job("change", 1));
    const std::int64_t before = seen([](Reader& r) { return r.lastChangeId(); });
    erase(1);
    const auto told = seen([&](Reader& r) { return r.changesAfter(before, 100); });
    const auto count = [&](store::ChangeKind kind, std::int64_t ref) {
      return std::count_if(told.begin(), told.end(), [&](const store::Change& change) {
        return change.kind == kind && change.ref == ref;
      });
    };
    CPPUNIT_ASSERT(count(store::ChangeKind::kContact, 1) == 1);
    CPPUNIT_ASSERT(count(store::ChangeKind::kCredential, 1) == 1);
    CPPUNIT_ASSERT(count(store::ChangeKind::kSession, 1) == 1);
    CPPUNIT_ASSERT(count(store::ChangeKind::kJob, id) == 1);
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, told.size());
    erase(1);
    CPPUNIT_ASSERT(seen([](Reader& r) { return r.lastChangeId(); }) == told.back().id);
  }

  void erasingADeletedContactErasesItToo() {
    write([&](Tx& tx) {
      Contact gone = contact(1, "a@example.org");
      gone.deletedAt = at(5);
      tx.saveContact(gone);
    });
    erase(1);
    CPPUNIT_ASSERT(!hasAnyOf(1, "a@example.org"));
  }

  void deliveriesAndAuditLoseTheName() {
    fill(1, "a@example.org");
    fill(2, "b@example.org");
    const auto delivery = [&](const std::string& digest, std::optional<ContactId> id,
                              const std::string& address) {
      store::DeliveryRecord made;
      made.receivedAt = at(50);
      made.route = "genpass";
      made.digest = digest;
      made.contactId = id;
      made.email = address;
      made.followUp = "{}";
      made.status = "accepted";
      return made;
    };
    write([&](Tx& tx) {
      tx.addDelivery(delivery("by id", 1, ""));
      tx.addDelivery(delivery("by email", std::nullopt, "a@example.org"));
      tx.addDelivery(delivery("other's", 2, ""));
      tx.addDelivery(delivery("nobody's", std::nullopt, ""));
    });
    erase(1);
    const auto has = [&](const std::string& digest) {
      return seen([&](Reader& r) { return r.hasDelivery(digest, at(0)); });
    };
    CPPUNIT_ASSERT_MESSAGE("a copy of it is not told from a new one", !has("by id"));
    CPPUNIT_ASSERT(!has("by email"));
    CPPUNIT_ASSERT(has("other's") && has("nobody's"));
  }

  void digestsOfOneErasureGoTogether() {
    CPPUNIT_ASSERT(!seen([](Reader& r) { return r.hasTombstones(); }));
    write([&](Tx& tx) {
      tx.addTombstones({"id 1", "email 1"});
      tx.addTombstones({"id 2", "email 2"});
    });
    CPPUNIT_ASSERT(seen([](Reader& r) { return r.hasTombstones(); }));
    write([&](Tx& tx) { tx.deleteErasure("email 1"); });
    CPPUNIT_ASSERT(!hasTombstone("id 1") && !hasTombstone("email 1"));
    CPPUNIT_ASSERT(hasTombstone("id 2") && hasTombstone("email 2"));
    write([&](Tx& tx) { tx.deleteErasure("unknown"); });
    CPPUNIT_ASSERT(hasTombstone("id 2"));
    write([&](Tx& tx) { tx.deleteErasure("id 2"); });
    CPPUNIT_ASSERT(!seen([](Reader& r) { return r.hasTombstones(); }));
  }

  void oneDigestCanGoAlone() {
    write([&](Tx& tx) {
      tx.addTombstones({"id", "email"});
      tx.deleteTombstone("email");
    });
    CPPUNIT_ASSERT(hasTombstone("id") && !hasTombstone("email"));
  }

  void aSecondErasureTakesInTheFirst() {
    const Instant first = now();
    write([&](Tx& tx) { tx.addTombstones({"id 1", "email"}); });
    backend_->clock().advance(std::chrono::seconds{5});
    write([&](Tx& tx) { tx.addTombstones({"id 2", "email"}); });
    const auto when = [&](const std::string& digest) {
      return seen([&](Reader& r) { return r.findTombstone(digest); });
    };
    CPPUNIT_ASSERT(when("id 1") == first && when("email") == now() && when("id 2") == now());
    write([&](Tx& tx) { tx.deleteErasure("id 2"); });
    CPPUNIT_ASSERT(!hasTombstone("id 1") && !hasTombstone("email"));
  }

  static Job jobOf(const std::string& kind, std::optional<ContactId> contact,
                   const std::string& payload = "{}") {
    Job made;
    made.kind = kind;
    made.contactId = contact;
    made.payload = payload;
    made.createdAt = made.dueAt = at(1);
    return made;
  }

  // The ids that a search finds, in its order.
  Ids jobs(const store::JobQuery& query, int limit = 100) {
    return seen([&](Reader& r) {
      Ids ids;
      for (const Job& job : r.searchJobs(query, limit)) ids.push_back(job.id);
      return ids;
    });
  }

  void jobsAreFoundByStateKindAndWhoseTheyAre() {
    JobId mine = 0, byEmail = 0, other = 0;
    write([&](Tx& tx) {
      mine = tx.addJob(jobOf("password", 7));
      byEmail = tx.addJob(jobOf("refresh", std::nullopt, "{\"email\":\"a@example.com\"}"));
      other = tx.addJob(jobOf("password", 8, "{\"email\":\"a@example.com\"}"));
      Job job = *tx.findJob(other);
      job.state = JobState::kDead;
      tx.saveJob(job);
    });
    store::JobQuery query;
    CPPUNIT_ASSERT(jobs(query) == Ids({other, byEmail, mine}));
    CPPUNIT_ASSERT(jobs(query, 1) == Ids({other}));
    query.state = JobState::kQueued;
    CPPUNIT_ASSERT(jobs(query) == Ids({byEmail, mine}));
    query.kind = "refresh";
    CPPUNIT_ASSERT(jobs(query) == Ids({byEmail}));
    query = {};
    query.contact = 7;
    CPPUNIT_ASSERT(jobs(query) == Ids({mine}));
    query.email = "a@example.com";
    CPPUNIT_ASSERT(jobs(query) == Ids({byEmail, mine}));
    query.email = "example.com";
    CPPUNIT_ASSERT(jobs(query) == Ids({mine}));
  }

  Ids deliveries(const store::DeliveryQuery& query) {
    return seen([&](Reader& r) {
      Ids ids;
      for (const auto& delivery : r.searchDeliveries(query, 100)) ids.push_back(delivery.id);
      return ids;
    });
  }

  void deliveriesAreFoundByIdTimeAndWhoseTheyAre() {
    write([&](Tx& tx) {
      for (int i = 1; i <= 3; ++i) {
        store::DeliveryRecord record;
        record.receivedAt = at(i);
        record.route = "mbr_genpass";
        record.digest = std::string(16, 'd');
        record.status = "accepted";
        if (i < 3) record.contactId = i;
        if (i == 3) record.email = "a@example.com";
        tx.addDelivery(record);
      }
    });
    store::DeliveryQuery query;
    CPPUNIT_ASSERT(deliveries(query) == Ids({3, 2, 1}));
    query.since = at(2);
    CPPUNIT_ASSERT(deliveries(query) == Ids({3, 2}));
    query = {};
    query.id = 2;
    CPPUNIT_ASSERT(deliveries(query) == Ids({2}));
    query = {};
    query.contact = 1;
    CPPUNIT_ASSERT(deliveries(query) == Ids({1}));
    query.email = "a@example.com";
    CPPUNIT_ASSERT(deliveries(query) == Ids({3, 1}));
  }

  void theHistoryOfAContactIsItsOwnAndNewestFirst() {
    write([&](Tx& tx) {
      for (const ContactId id : {7, 8}) {
        tx.saveContact(contact(id));
        Credential credential;
        credential.contactId = id;
        credential.hash = "h";
        tx.saveCredential(credential);
        tx.addAudit({at(1), "cli", "first", id, "", ""});
        tx.addAudit({at(2), "cli", "second", id, "why", "r"});
        for (int i = 1; i <= 2; ++i) {
          const std::string digest(32, static_cast<char>(i + 2 * id));
          tx.saveSession({digest, id, "password", at(i), at(i), at(99)});
          tx.saveLink({digest, id, at(i), at(99), std::nullopt});
        }
      }
      Job job = jobOf("password", 7);
      tx.addJob(job);
    });
    const auto audit = seen([](Reader& r) { return r.listAuditOf(7, 10); });
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, audit.size());
    CPPUNIT_ASSERT_EQUAL(std::string("second"), audit[0].action);
    CPPUNIT_ASSERT_EQUAL(std::string("why"), audit[0].detail);
    const auto sessions = seen([](Reader& r) { return r.listSessionsOf(7, 1); });
    CPPUNIT_ASSERT(sessions.size() == 1 && sessions[0].createdAt == at(2));
    const auto links = seen([](Reader& r) { return r.listLinksOf(7, 10); });
    CPPUNIT_ASSERT(links.size() == 2 && links[0].createdAt == at(2));
    const auto changes = seen([](Reader& r) { return r.listChangesOf(7, 10); });
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, changes.size());
    CPPUNIT_ASSERT(changes[0].kind == store::ChangeKind::kSession);
    CPPUNIT_ASSERT(changes[3].kind == store::ChangeKind::kContact);
  }

  void emailsAreListedByHowTheyBegin() {
    write([&](Tx& tx) {
      tx.saveContact(contact(1, "jane@example.com"));
      tx.saveContact(contact(2, "jan\u00e9@example.com"));
      tx.saveContact(contact(3, "jb@example.com"));
      tx.saveContact(contact(4, "JANE@example.org"));
    });
    const auto found = seen([](Reader& r) { return r.listEmails("jan", 10); });
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, found.size());
    CPPUNIT_ASSERT_EQUAL(std::string("jane@example.com"), found[0].email);
    CPPUNIT_ASSERT_EQUAL(ContactId{4}, found[1].contact);
    CPPUNIT_ASSERT_EQUAL(ContactId{2}, found[2].contact);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1},
                         seen([](Reader& r) { return r.listEmails("jan", 1); }).size());
    CPPUNIT_ASSERT(seen([](Reader& r) { return r.listEmails("x", 10); }).empty());
  }

  void credentialsAreCountedByOrigin() {
    write([&](Tx& tx) {
      for (const ContactId id : {1, 2, 3}) {
        Credential credential;
        credential.contactId = id;
        credential.hash = "h";
        credential.origin = id < 3 ? CredentialOrigin::kDefault : CredentialOrigin::kSet;
        tx.saveCredential(credential);
      }
    });
    const auto count = [&](CredentialOrigin origin) {
      return seen([&](Reader& r) { return r.countCredentials(origin); });
    };
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, count(CredentialOrigin::kDefault));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, count(CredentialOrigin::kGenerated));
  }

  void onlyADeadJobIsRevivedAndBeginsAnew() {
    JobId id = 0;
    Job wanted = jobOf("password", 7);
    wanted.key = "7";
    write([&](Tx& tx) {
      id = tx.addJob(wanted);
      CPPUNIT_ASSERT(!tx.reviveJob(*tx.findJob(id)));
      Job job = *tx.findJob(id);
      job.state = JobState::kDead;
      job.attempts = 9;
      job.reason = "why";
      tx.saveJob(job);
    });
    JobId second = 0;
    write([&](Tx& tx) {
      second = tx.addJob(wanted);
      Job job = *tx.findJob(id);
      job.state = JobState::kQueued;
      CPPUNIT_ASSERT(!tx.reviveJob(job));  // the other one is open
      Job other = *tx.findJob(second);
      other.state = JobState::kDone;
      tx.saveJob(other);
      job.payload = "{\"n\":1}";
      CPPUNIT_ASSERT(tx.reviveJob(job));
    });
    const auto job = seen([&](Reader& r) { return r.findJob(id); });
    CPPUNIT_ASSERT(job && job->state == JobState::kQueued && job->attempts == 0);
    CPPUNIT_ASSERT_EQUAL(std::string(""), job->reason);
    CPPUNIT_ASSERT_EQUAL(std::string("{\"n\":1}"), job->payload);
    CPPUNIT_ASSERT(job->createdAt == now() && job->dueAt == now());
    CPPUNIT_ASSERT(job->endedAt == Instant{});
  }

  std::unique_ptr<Backend> backend_;
};

}  // namespace mbr::test
