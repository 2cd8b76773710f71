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
  CPPUNIT_TEST(aTagThatTheAccountHasLostIsUnknown);
  CPPUNIT_TEST(aTagThatIsThereIsAlreadyAdded);
  CPPUNIT_TEST(whatMeansTheSameIsDoneOnce);
  CPPUNIT_TEST(automationsAreEnteredAndLeft);
  CPPUNIT_TEST(anAutomationThatTheAccountRefusesIsReported);
  CPPUNIT_TEST(anEntryWhoseAnswerWasLostIsNotSentAgain);
  CPPUNIT_TEST(anEntryThatNeverArrivedIsSentAgain);
  CPPUNIT_TEST(anAutomationThatHasEndedIsNotLeft);
  CPPUNIT_TEST(listsAreSubscribedAndReadersSeeIt);
  CPPUNIT_TEST(whoUnsubscribedIsSubscribedAgain);
  CPPUNIT_TEST(whoWasNeverOnAListIsNotPutThereToLeave);
  CPPUNIT_TEST(unknownAutomationsAndListsAreReported);
  CPPUNIT_TEST(aBusyAccountPutsTheJobOffAndNothingIsLost);
  CPPUNIT_TEST(anItemWhoseCommitFailedReachesTheCacheAllTheSame);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;

  static Item add(TagId id, std::string name = "") {
    return {Item::Kind::kTag, Item::Action::kAdd, id, std::move(name), Item::Result::kOpen, ""};
  }
  static Item remove(TagId id, std::string name = "") {
    return {Item::Kind::kTag, Item::Action::kRemove, id, std::move(name), Item::Result::kOpen, ""};
  }

  static Item item(Item::Kind kind, Item::Action action, std::int64_t id, std::string name = "") {
    Item made;
    made.kind = kind;
    made.action = action;
    made.id = id;
    made.name = std::move(name);
    return made;
  }
  static Item enter(AutomationId id, std::string name = "") {
    return item(Item::Kind::kAutomation, Item::Action::kAdd, id, std::move(name));
  }
  static Item leave(AutomationId id, std::string name = "") {
    return item(Item::Kind::kAutomation, Item::Action::kRemove, id, std::move(name));
  }
  static Item subscribe(ListId id, std::string name = "") {
    return item(Item::Kind::kList, Item::Action::kAdd, id, std::move(name));
  }
  static Item unsubscribe(ListId id, std::string name = "") {
    return item(Item::Kind::kList, Item::Action::kRemove, id, std::move(name));
  }
  int status(ListId list) {
    const auto& lists = rig_.account.people[42].lists;
    const auto found = lists.find(list);
    return found == lists.end() ? -1 : found->second;
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
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("GET fields"));
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
    for (const char* other : {"GET automations", "GET lists", "GET fields"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(other, 0, rig_.account.count(other));
    }
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

  void aTagThatTheAccountHasLostIsUnknown() {
    rig_.fillDirectories();
    rig_.account.tags.erase(2);
    CPPUNIT_ASSERT(resultsOf(run({add(2)})) == Lines({"add 2 Gold: unknown"}));
    rig_.account.answerOnce("POST contactTags", 400,
                            R"({"errors":[{"title":"The related tag does not exist.",)"
                            R"("code":"related_missing"}]})");
    CPPUNIT_ASSERT(resultsOf(run({add(1)})) == Lines({"add 1 Member: unknown"}));
  }

  void aTagThatIsThereIsAlreadyAdded() {
    rig_.fillDirectories();
    rig_.known(42, "a@example.com");
    rig_.account.people[42].tags = {{900, 1}};
    const Job job = run({add(1), add(2)});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"add 1 Member: already", "add 2 Gold: applied"}));
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({1, 2}));
  }

  void whatMeansTheSameIsDoneOnce() {
    rig_.fillDirectories();
    const Job job = run({enter(5), enter(0, "Welcome"), add(2), add(0, "Gold")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"add 5 Welcome: applied", "add 2 Gold: applied"}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
  }

  void automationsAreEnteredAndLeft() {
    rig_.fillDirectories();
    rig_.account.people[42].entries = {{70, 6, rig_.clock.now()}, {71, 6, rig_.clock.now()}};
    const Job job = run({enter(0, "Welcome"), leave(0, "Second")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"remove 6 Second: applied", "add 5 Welcome: applied"}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
    CPPUNIT_ASSERT_EQUAL(0, rig_.entries(6));
    CPPUNIT_ASSERT(resultsOf(run({leave(6)})) == Lines({"remove 6 Second: already"}));
    // One that somebody else took out meanwhile.
    rig_.account.people[42].entries = {{72, 6, rig_.clock.now()}};
    rig_.account.before("DELETE contactAutomations",
                        [this] { rig_.account.people[42].entries.clear(); });
    CPPUNIT_ASSERT(resultsOf(run({leave(6)})) == Lines({"remove 6 Second: applied"}));
  }

  void anAutomationThatTheAccountRefusesIsReported() {
    rig_.fillDirectories();
    rig_.account.closed = {5};
    const Job job = run({enter(5)});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"add 5 Welcome: refused"}));
    CPPUNIT_ASSERT(job.result.find("Could not create") != std::string::npos);
  }

  void anEntryWhoseAnswerWasLostIsNotSentAgain() {
    rig_.fillDirectories();
    rig_.account.before("POST contactAutomations", [this] {
      rig_.account.failFrom(1, test::FakeAccount::Fault::kAnswerLost);
      rig_.account.before("GET contacts/42/contactAutomations", [this] { rig_.account.heal(); });
    });
    const Job job = run({enter(5)});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("POST contactAutomations"));
  }

  void anEntryThatNeverArrivedIsSentAgain() {
    rig_.fillDirectories();
    rig_.account.before("POST contactAutomations", [this] {
      rig_.account.failFrom(1, test::FakeAccount::Fault::kRequestLost);
      rig_.account.before("GET contacts/42/contactAutomations", [this] { rig_.account.heal(); });
    });
    CPPUNIT_ASSERT(run({enter(5)}).state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
    CPPUNIT_ASSERT_EQUAL(2, rig_.account.count("POST contactAutomations"));
  }

  void anAutomationThatHasEndedIsNotLeft() {
    rig_.fillDirectories();
    rig_.account.people[42].entries = {{70, 5, rig_.clock.now(), true}};
    CPPUNIT_ASSERT(resultsOf(run({leave(5)})) == Lines({"remove 5 Welcome: already"}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
  }

  void listsAreSubscribedAndReadersSeeIt() {
    rig_.fillDirectories();
    rig_.known(42, "a@example.com");
    const Job job = run({subscribe(0, "News")});
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(resultsOf(job) == Lines({"add 9 News: applied"}));
    CPPUNIT_ASSERT_EQUAL(1, status(9));
    const auto lists = rig_.contact(42)->lists;
    CPPUNIT_ASSERT(lists == std::vector<ListMembership>({{9, 1}}));
    CPPUNIT_ASSERT(resultsOf(run({subscribe(9)})) == Lines({"add 9 News: already"}));
    CPPUNIT_ASSERT(resultsOf(run({unsubscribe(9)})) == Lines({"remove 9 News: applied"}));
    CPPUNIT_ASSERT_EQUAL(2, status(9));
    CPPUNIT_ASSERT_EQUAL(2, rig_.contact(42)->lists.front().status);
  }

  void whoUnsubscribedIsSubscribedAgain() {
    rig_.fillDirectories();
    rig_.account.people[42].lists = {{9, 2}};
    CPPUNIT_ASSERT(resultsOf(run({subscribe(9)})) == Lines({"add 9 News: applied"}));
    CPPUNIT_ASSERT_EQUAL(1, status(9));
    // In one call it leaves and comes back.
    CPPUNIT_ASSERT(resultsOf(run({subscribe(9), unsubscribe(9)})) ==
                   Lines({"remove 9 News: applied", "add 9 News: applied"}));
    CPPUNIT_ASSERT_EQUAL(1, status(9));
  }

  void whoWasNeverOnAListIsNotPutThereToLeave() {
    rig_.fillDirectories();
    rig_.known(42, "a@example.com");
    CPPUNIT_ASSERT(resultsOf(run({unsubscribe(9)})) == Lines({"remove 9 News: already"}));
    CPPUNIT_ASSERT_EQUAL(-1, status(9));
    CPPUNIT_ASSERT(rig_.contact(42)->lists.empty());
  }

  void unknownAutomationsAndListsAreReported() {
    rig_.fillDirectories();
    const Job job = run({enter(77), enter(0, "None"), subscribe(78), subscribe(0, "Nothing"),
                         leave(79), subscribe(9)});
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(resultsOf(job) ==
                   Lines({"remove 79 : unknown", "add 77 : unknown", "add - None: unknown",
                          "add 78 : unknown", "add - Nothing: unknown", "add 9 News: applied"}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("GET automations"));
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("GET lists"));
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("GET tags"));
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("POST contactAutomations"));
    rig_.account.lists.clear();
    rig_.account.people[42].lists.clear();
    CPPUNIT_ASSERT(resultsOf(run({subscribe(9)})) == Lines({"add 9 News: unknown"}));
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
};
CPPUNIT_TEST_SUITE_REGISTRATION(ChangeJobTest);

}  // namespace mbr::sync
