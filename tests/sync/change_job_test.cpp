#include "sync/rig.h"

namespace mbr::sync {

using members::ChangePayload;
using Item = ChangePayload::Item;
using Lines = std::vector<std::string>;

class ChangeJobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChangeJobTest);
  CPPUNIT_TEST(removalsGoFirst);
  CPPUNIT_TEST(readersSeeTheChangeOnceTheJobHasEnded);
  CPPUNIT_TEST(aTagThatWasNotThereIsRemovedAlready);
  CPPUNIT_TEST(namesAreLookedUpAndFetchedOnceIfUnknown);
  CPPUNIT_TEST(anUnknownNameIsReportedAndTheRestIsDone);
  CPPUNIT_TEST(createMissingMakesTheTag);
  CPPUNIT_TEST(aRemovalNeverMakesATag);
  CPPUNIT_TEST(whatTheAccountRefusesIsReportedInItsWords);
  CPPUNIT_TEST(anUnknownTagIdIsReported);
  CPPUNIT_TEST(aBusyAccountPutsTheJobOffAndNothingIsLost);
  CPPUNIT_TEST(anItemWhoseCommitFailedReachesTheCacheAllTheSame);
  CPPUNIT_TEST(theUpdaterSubmitsTheJobAndWakesTheOutbox);
  CPPUNIT_TEST(aSubmissionThatTheStoreRefusesIsReported);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;

  static Item add(TagId id, std::string name = "") {
    return {Item::Kind::kTag, Item::Action::kAdd, id, std::move(name), Item::Result::kOpen, ""};
  }
  static Item remove(TagId id, std::string name = "") {
    return {Item::Kind::kTag, Item::Action::kRemove, id, std::move(name), Item::Result::kOpen, ""};
  }

  Job run(std::vector<Item> items, bool createMissing = false) {
    ChangePayload change;
    change.contactId = 42;
    change.createMissing = createMissing;
    change.items = std::move(items);
    Job job;
    job.kind = members::kChangeJob;
    job.lane = Lane::kSite;
    job.contactId = 42;
    job.payload = members::write(change);
    return rig_.finish(rig_.addJob(job));
  }

  static std::vector<std::string> resultsOf(const Job& job) {
    std::vector<std::string> results;
    const auto parsed = json::parse(job.result);
    CPPUNIT_ASSERT(parsed.ok());
    for (const json::Value& row : *parsed->asArray()) {
      results.push_back(row["action"].textOr("") + " " + row["id"].textOr("-") + " " +
                        row["name"].textOr("") + ": " + row["result"].textOr(""));
    }
    return results;
  }

  void removalsGoFirst() {
    rig_.fillDirectories();
    rig_.account.people[42].tags = {{900, 1}};
    const Job job = run({add(2), remove(1)});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    const Lines expected{"GET contacts/42/contactTags", "DELETE contactTags/900",
                         "POST contactTags"};
    CPPUNIT_ASSERT(rig_.account.log() == expected);
    const Lines results{"remove 1 Member: applied", "add 2 Gold: applied"};
    CPPUNIT_ASSERT(resultsOf(job) == results);
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({2}));
  }

  void readersSeeTheChangeOnceTheJobHasEnded() {
    rig_.fillDirectories();
    rig_.account.people[42].tags = {{900, 1}};
    rig_.known(42, "a@example.com", {1});
    CPPUNIT_ASSERT((*rig_.cache.findById(42))->contact.hasTag(1));
    run({add(2), remove(1)});
    const auto cached = *rig_.cache.findById(42);
    CPPUNIT_ASSERT(cached->contact.tags == std::vector<TagId>({2}));
    CPPUNIT_ASSERT(cached->json.find("\"Gold\"") != std::string::npos);
  }

  void aTagThatWasNotThereIsRemovedAlready() {
    rig_.fillDirectories();
    const Job job = run({remove(1)});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"remove 1 Member: already"}));
  }

  void namesAreLookedUpAndFetchedOnceIfUnknown() {
    const Job job = run({add(0, "Gold"), add(0, "Member")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("GET tags"));
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({1, 2}));
    rig_.account.forget();
    run({remove(0, "Gold")});
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("GET tags"));
  }

  void anUnknownNameIsReportedAndTheRestIsDone() {
    const Job job = run({add(0, "Silver"), add(2)});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"add - Silver: unknown", "add 2 Gold: applied"}));
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("POST tags"));
  }

  void createMissingMakesTheTag() {
    const Job job = run({add(0, "Silver")}, true);
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("POST tags"));
    const auto tag = rig_.directories.names()->tagId("Silver");
    CPPUNIT_ASSERT(tag.has_value());
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({*tag}));
  }

  void aRemovalNeverMakesATag() {
    const Job job = run({remove(0, "Silver")}, true);
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("POST tags"));
  }

  void whatTheAccountRefusesIsReportedInItsWords() {
    rig_.fillDirectories();
    rig_.account.answerOnce("POST contactTags", 422, R"({"errors":[{"title":"Not today"}]})");
    const Job job = run({add(1), add(2)});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"add 1 Member: refused", "add 2 Gold: applied"}));
    CPPUNIT_ASSERT(job.result.find("Not today") != std::string::npos);
  }

  void anUnknownTagIdIsReported() {
    rig_.fillDirectories();
    const Job job = run({add(77)});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"add 77 : unknown"}));
  }

  void aBusyAccountPutsTheJobOffAndNothingIsLost() {
    rig_.fillDirectories();
    rig_.account.answerOnce("POST contactTags", 429, "", "7");
    const Instant before = rig_.clock.now();
    const Job job = run({add(1), add(2)});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(rig_.clock.now() - before >= std::chrono::seconds{7});
    CPPUNIT_ASSERT_EQUAL(0, job.attempts);
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({1, 2}));
  }

  void anItemWhoseCommitFailedReachesTheCacheAllTheSame() {
    rig_.fillDirectories();
    rig_.known(42, "a@example.com");
    rig_.account.before("POST contactTags",
                        [this] { rig_.store.failAt(test::FailingStore::Step::kWork); });
    CPPUNIT_ASSERT(run({add(2)}).state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(1, rig_.store.failed());
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({2}));
  }

  void theUpdaterSubmitsTheJobAndWakesTheOutbox() {
    rig_.fillDirectories();
    int woken = 0;
    members::ContactUpdater updater(rig_.store, rig_.issuer, rig_.clock, [&] { ++woken; });
    std::promise<Result<JobId>> promise;
    auto submitted = promise.get_future();
    ChangePayload change;
    change.contactId = 42;
    change.items = {add(2)};
    updater.submitChange(change, [&](Result<JobId> id) { promise.set_value(std::move(id)); });
    const auto id = test::resultOf(submitted);
    CPPUNIT_ASSERT(id.ok());
    CPPUNIT_ASSERT_EQUAL(1, woken);
    const Job job = *rig_.job(*id);
    CPPUNIT_ASSERT(job.lane == Lane::kSite);
    CPPUNIT_ASSERT(job.contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(rig_.finish(*id).state == JobState::kDone);
  }

  void aSubmissionThatTheStoreRefusesIsReported() {
    rig_.store.failAt(test::FailingStore::Step::kSubmit);
    bool refused = false;
    rig_.updater.submitChange(
        {}, [&](const Result<JobId>& id) { refused = !id && id.error().code == Code::kBusy; });
    CPPUNIT_ASSERT(refused);
    CPPUNIT_ASSERT(rig_.jobs().empty());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ChangeJobTest);

}  // namespace mbr::sync
