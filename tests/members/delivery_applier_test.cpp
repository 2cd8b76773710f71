#include "members/delivery_rig.h"

namespace mbr::members {

class DeliveryApplierTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DeliveryApplierTest);
  CPPUNIT_TEST(aNewContactIsStoredFromTheBody);
  CPPUNIT_TEST(aChangeIsThereAtOnceUnconfirmedAndReadLater);
  CPPUNIT_TEST(aKeyThatIsNotThereLeavesTheValueAlone);
  CPPUNIT_TEST(anotherEmailIsNotTakenFromABody);
  CPPUNIT_TEST(theEmailOfAnotherContactIsNotTakenFromABody);
  CPPUNIT_TEST(aContactThatLostItsEmailDoesNotGetItBackFromABody);
  CPPUNIT_TEST(anOlderBodyChangesNothing);
  CPPUNIT_TEST(bodiesOfTheSameTimeApplyInOrderOfArrival);
  CPPUNIT_TEST(aBodyOlderThanThePulledStateChangesNothing);
  CPPUNIT_TEST(tagsAreReplacedByTheListOfTheBody);
  CPPUNIT_TEST(anUnknownTagNameLeavesTheTagsAndFetchesTheDirectories);
  CPPUNIT_TEST(aTagEventChangesOneTag);
  CPPUNIT_TEST(fieldsByNumberNeedTheDirectory);
  CPPUNIT_TEST(fieldsByPersonalizationTagComeInBeforeTheDirectory);
  CPPUNIT_TEST(aPersonalizationTagThatTheDirectoryDoesNotKnowIsNotStored);
  CPPUNIT_TEST(aHiddenFieldIsNotStoredWhateverItIsCalled);
  CPPUNIT_TEST(aListEventChangesOneList);
  CPPUNIT_TEST(withAnIdAloneNothingIsGuessed);
  CPPUNIT_TEST(withAnEmailAloneNothingIsGuessed);
  CPPUNIT_TEST(anEmailAloneOfAKnownContactRefreshesItsId);
  CPPUNIT_TEST(anUnchangedBodyWritesItsDeliveryAlone);
  CPPUNIT_TEST(anyBodyOfADeletedContactRefreshesIt);
  CPPUNIT_TEST(ownChangesAreLaidOverALateBody);
  CPPUNIT_TEST(ownChangesOfLongAgoAreNot);
  CPPUNIT_TEST(manyBodiesMakeOneRefresh);
  CPPUNIT_TEST(aBodyThatComesWhileTheRefreshRunsMakesAnother);
  CPPUNIT_TEST(newsOfAContactBringItsRefreshForward);
  CPPUNIT_TEST(nothingIsTakenInIfTheStoreFails);
  CPPUNIT_TEST(theOutboxIsWokenOnlyForJobs);
  CPPUNIT_TEST(aBodyThatCameBeforeAPullWasSentChangesNothingAfterIt);
  CPPUNIT_TEST_SUITE_END();

  test::DeliveryRig rig_;

  static Delivery body(std::optional<ContactId> id, const std::string& email) {
    return test::DeliveryRig::body(id, email);
  }
  bool refreshQueued(const std::string& key) { return rig_.openJob(kRefreshJob, key).has_value(); }

  void aNewContactIsStoredFromTheBody() {
    Delivery delivery = body(42, "a@example.com");
    delivery.firstName = "Ada";
    delivery.lastName = "L";
    delivery.phone = "+1";
    delivery.tagText = "Gold, Member";
    delivery.fields = {{"6", "Turin"}};
    const Receipt receipt = rig_.apply(delivery);
    CPPUNIT_ASSERT(receipt.status == Receipt::Status::kAccepted);
    CPPUNIT_ASSERT(receipt.contact == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(receipt.password == Receipt::Password::kNone);
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT(contact.email == Email::parse("a@example.com"));
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), contact.firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("L"), contact.lastName);
    CPPUNIT_ASSERT_EQUAL(std::string("+1"), contact.phone);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT(contact.fields == FieldValues({{"CITY", "Turin"}}));
    CPPUNIT_ASSERT(!contact.confirmed);
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  void aChangeIsThereAtOnceUnconfirmedAndReadLater() {
    rig_.known(42, "a@example.com");
    Delivery delivery = body(42, "a@example.com");
    delivery.firstName = "Grace";
    rig_.apply(delivery);
    const auto cached = *rig_.cache.findById(42);
    CPPUNIT_ASSERT_EQUAL(std::string("Grace"), cached->contact.firstName);
    CPPUNIT_ASSERT(!cached->contact.confirmed);
    const Job refresh = *rig_.openJob(kRefreshJob, "42");
    CPPUNIT_ASSERT(refresh.lane == Lane::kRefresh);
    CPPUNIT_ASSERT(refresh.contactId == std::optional<ContactId>(42));
  }

  void aKeyThatIsNotThereLeavesTheValueAlone() {
    rig_.known(42, "a@example.com", {1, 2});
    Delivery delivery = body(42, "a@example.com");
    delivery.phone = "";
    delivery.lastName = "New";
    rig_.apply(delivery);
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), contact.firstName);
    CPPUNIT_ASSERT(contact.tags == std::vector<TagId>({1, 2}));
  }

  void anotherEmailIsNotTakenFromABody() {
    rig_.known(42, "a@example.com");
    Delivery delivery = body(42, "new@example.com");
    delivery.firstName = "Grace";
    rig_.apply(delivery);
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT(contact.email == Email::parse("a@example.com"));
    CPPUNIT_ASSERT_EQUAL(std::string("Grace"), contact.firstName);
    CPPUNIT_ASSERT(!*rig_.cache.findByEmail(test::email("new@example.com")));
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  void theEmailOfAnotherContactIsNotTakenFromABody() {
    rig_.known(41, "a@example.com");
    rig_.apply(body(42, "a@example.com"));
    CPPUNIT_ASSERT(!rig_.contact(42)->email);
    CPPUNIT_ASSERT(rig_.contact(41)->email == Email::parse("a@example.com"));
    CPPUNIT_ASSERT_EQUAL(ContactId{41},
                         (*rig_.cache.findByEmail(test::email("a@example.com")))->contact.id);
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  void aContactThatLostItsEmailDoesNotGetItBackFromABody() {
    rig_.known(42, "a@example.com");
    rig_.known(43, "a@example.com");
    CPPUNIT_ASSERT(!rig_.contact(42)->email);
    rig_.apply(body(42, "b@example.com"));
    CPPUNIT_ASSERT(!rig_.contact(42)->email);
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  void anOlderBodyChangesNothing() {
    Delivery newer = body(42, "a@example.com");
    newer.firstName = "Newer";
    newer.happenedAt = rig_.clock.now();
    rig_.apply(newer);
    Delivery older = body(42, "a@example.com");
    older.firstName = "Older";
    older.happenedAt = rig_.clock.now() - std::chrono::seconds{1};
    rig_.setState(rig_.openJob(kRefreshJob, "42")->id, JobState::kDropped);
    rig_.apply(older);
    CPPUNIT_ASSERT_EQUAL(std::string("Newer"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  void bodiesOfTheSameTimeApplyInOrderOfArrival() {
    for (const char* name : {"First", "Second"}) {
      Delivery delivery = body(42, "a@example.com");
      delivery.firstName = name;
      delivery.happenedAt = rig_.clock.now();
      rig_.apply(delivery);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("Second"), rig_.contact(42)->firstName);
  }

  void aBodyOlderThanThePulledStateChangesNothing() {
    Contact contact = rig_.known(42, "a@example.com");
    contact.updatedAt = rig_.clock.now();
    rig_.write([&](store::Transaction& tx) { tx.saveContact(contact); });
    Delivery older = body(42, "a@example.com");
    older.firstName = "Older";
    older.happenedAt = rig_.clock.now() - std::chrono::seconds{1};
    rig_.apply(older);
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  // A pull does not stand in the queue in which the body waits.
  void aBodyThatCameBeforeAPullWasSentChangesNothingAfterIt() {
    Contact shown = rig_.known(42, "a@example.com");
    shown.firstName = "Shown";
    std::promise<void> begun, sent;
    const auto pull = [&, isSent = sent.get_future().share()](store::Transaction& tx) -> Outcome {
      begun.set_value();
      isSent.wait();
      shown.pulledAt = shown.asOf = shown.changedAt = rig_.clock.now();
      tx.saveContact(shown);
      return Done{};
    };
    rig_.store.submit(pull, [](const Outcome&) {});
    begun.get_future().wait();
    Delivery before = body(42, "a@example.com");
    before.firstName = "Before";
    std::promise<void> applied;
    rig_.applier.apply(before, [&](const Result<Receipt>&) { applied.set_value(); });
    rig_.clock.advance(std::chrono::seconds{1});
    sent.set_value();
    applied.get_future().wait();
    CPPUNIT_ASSERT_EQUAL(std::string("Shown"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT(rig_.contact(42)->confirmed);
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  void tagsAreReplacedByTheListOfTheBody() {
    rig_.known(42, "a@example.com", {1});
    Delivery delivery = body(42, "a@example.com");
    delivery.tagText = "Gold, yearly";
    rig_.apply(delivery);
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({3}));
    delivery.tagText = "";
    rig_.apply(delivery);
    CPPUNIT_ASSERT(rig_.contact(42)->tags.empty());
  }

  void anUnknownTagNameLeavesTheTagsAndFetchesTheDirectories() {
    rig_.known(42, "a@example.com", {1});
    Delivery delivery = body(42, "a@example.com");
    delivery.tagText = "Gold, Brand new";
    rig_.apply(delivery);
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({1}));
    CPPUNIT_ASSERT(refreshQueued("42"));
    CPPUNIT_ASSERT(rig_.openJob(kDirectoriesJob, "all").has_value());
  }

  void aTagEventChangesOneTag() {
    rig_.known(42, "a@example.com", {1});
    Delivery added = body(42, "a@example.com");
    added.eventType = "contact_tag_added";
    added.changedTag = "Gold";
    rig_.apply(added);
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({1, 2}));
    Delivery removed = body(42, "a@example.com");
    removed.eventType = "contact_tag_removed";
    removed.changedTag = "Member";
    rig_.apply(removed);
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({2}));
    removed.changedTag = "Never heard of";
    rig_.apply(removed);
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({2}));
    CPPUNIT_ASSERT(rig_.openJob(kDirectoriesJob, "all").has_value());
  }

  void forgetDirectories() {
    rig_.write([](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, {});
      tx.saveFields({});
    });
  }

  void fieldsByNumberNeedTheDirectory() {
    Delivery delivery = body(42, "a@example.com");
    delivery.fields = {{"6", "Turin"}, {"77", "?"}};
    rig_.apply(delivery);
    CPPUNIT_ASSERT(rig_.contact(42)->fields == FieldValues({{"CITY", "Turin"}}));
    CPPUNIT_ASSERT(rig_.openJob(kDirectoriesJob, "all").has_value());
    forgetDirectories();
    delivery.contactId = 43;
    delivery.email = Email::parse("b@example.com");
    rig_.apply(delivery);
    CPPUNIT_ASSERT(rig_.contact(43)->fields.empty());
    CPPUNIT_ASSERT(refreshQueued("43"));
  }

  void fieldsByPersonalizationTagComeInBeforeTheDirectory() {
    test::MembersRig bare;
    DeliveryApplier applier(bare.store, bare.directories, bare.sealer, bare.clock, {}, [] {});
    Delivery delivery = body(42, "a@example.com");
    delivery.fields = {{"favourite-colour", "blue"}};
    std::promise<bool> promise;
    auto applied = promise.get_future();
    applier.apply(delivery,
                  [&](const Result<Receipt>& receipt) { promise.set_value(receipt.ok()); });
    CPPUNIT_ASSERT(test::resultOf(applied));
    CPPUNIT_ASSERT(bare.contact(42)->fields == FieldValues({{"FAVOURITE-COLOUR", "blue"}}));
  }

  void aPersonalizationTagThatTheDirectoryDoesNotKnowIsNotStored() {
    Delivery delivery = body(42, "a@example.com");
    delivery.fields = {{"city", "Turin"}, {"unheard-of", "?"}};
    rig_.apply(delivery);
    CPPUNIT_ASSERT(rig_.contact(42)->fields == FieldValues({{"CITY", "Turin"}}));
    CPPUNIT_ASSERT(rig_.openJob(kDirectoriesJob, "all").has_value());
  }

  void aHiddenFieldIsNotStoredWhateverItIsCalled() {
    DeliveryApplier::Options options;
    options.hiddenFields = {"PASSWORD"};
    DeliveryApplier applier(rig_.store, rig_.directories, rig_.sealer, rig_.clock, options, [] {});
    Delivery delivery = body(42, "a@example.com");
    delivery.fields = {{"3", "secret"}, {"password", "secret"}, {"6", "Turin"}};
    std::promise<bool> promise;
    auto applied = promise.get_future();
    applier.apply(delivery,
                  [&](const Result<Receipt>& receipt) { promise.set_value(receipt.ok()); });
    CPPUNIT_ASSERT(test::resultOf(applied));
    CPPUNIT_ASSERT(rig_.contact(42)->fields == FieldValues({{"CITY", "Turin"}}));
  }

  void aListEventChangesOneList() {
    const auto event = [&](const char* type, ListId list) {
      Delivery delivery = body(42, "a@example.com");
      delivery.eventType = type;
      delivery.list = list;
      rig_.apply(delivery);
    };
    event("subscribe", 9);
    event("subscribe", 7);
    event("unsubscribe", 9);
    event("update", 11);
    CPPUNIT_ASSERT(rig_.contact(42)->lists == std::vector<ListMembership>({{7, 1}, {9, 2}}));
  }

  void withAnIdAloneNothingIsGuessed() {
    rig_.known(42, "a@example.com");
    Delivery delivery = body(42, "");
    delivery.firstName = "Somebody";
    const Receipt receipt = rig_.apply(delivery);
    CPPUNIT_ASSERT(receipt.contact == std::optional<ContactId>(42));
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT(refreshQueued("42"));
    rig_.apply(body(43, ""));
    CPPUNIT_ASSERT(!rig_.contact(43));
    CPPUNIT_ASSERT(refreshQueued("43"));
  }

  void withAnEmailAloneNothingIsGuessed() {
    Delivery delivery = body({}, "new@example.com");
    delivery.firstName = "Somebody";
    const Receipt receipt = rig_.apply(delivery);
    CPPUNIT_ASSERT(!receipt.contact);
    CPPUNIT_ASSERT(!*rig_.cache.findByEmail(test::email("new@example.com")));
    CPPUNIT_ASSERT(refreshQueued("email:new@example.com"));
  }

  void anEmailAloneOfAKnownContactRefreshesItsId() {
    rig_.known(42, "a@example.com");
    const Receipt receipt = rig_.apply(body({}, "a@example.com"));
    CPPUNIT_ASSERT(receipt.contact == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  void anUnchangedBodyWritesItsDeliveryAlone() {
    const Contact before = rig_.known(42, "a@example.com", {2});
    rig_.clock.advance(Milliseconds{5});
    Delivery delivery = body(42, "a@example.com");
    delivery.firstName = "Ada";
    delivery.tagText = "Gold";
    rig_.apply(delivery);
    const Contact after = *rig_.contact(42);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, after.version);
    CPPUNIT_ASSERT(after.confirmed);
    CPPUNIT_ASSERT(after.changedAt == before.changedAt);
    CPPUNIT_ASSERT(rig_.jobs().empty());
  }

  void anyBodyOfADeletedContactRefreshesIt() {
    rig_.known(42, "a@example.com");
    rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42); });
    Delivery delivery = body(42, "a@example.com");
    delivery.firstName = "Ada";
    rig_.apply(delivery);
    CPPUNIT_ASSERT(refreshQueued("42"));
  }

  void writeOwnTags() {
    rig_.known(42, "a@example.com", {1});
    rig_.write([&](store::Transaction& tx) { rig_.updater.applyOwnTags(tx, 42, {2}, {1}); });
  }

  void ownChangesAreLaidOverALateBody() {
    writeOwnTags();
    rig_.clock.advance(std::chrono::minutes{9});
    Delivery late = body(42, "a@example.com");
    late.tagText = "Member";
    late.firstName = "Grace";
    rig_.apply(late);
    CPPUNIT_ASSERT_EQUAL(std::string("Grace"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({2}));
  }

  void ownChangesOfLongAgoAreNot() {
    writeOwnTags();
    rig_.clock.advance(std::chrono::minutes{11});
    Delivery body42 = body(42, "a@example.com");
    body42.tagText = "Member";
    rig_.apply(body42);
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({1}));
  }

  void manyBodiesMakeOneRefresh() {
    for (int i = 0; i < 5; ++i) {
      Delivery delivery = body(42, "a@example.com");
      delivery.firstName = std::to_string(i);
      rig_.apply(delivery);
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobsOf(kRefreshJob).size());
  }

  void aBodyThatComesWhileTheRefreshRunsMakesAnother() {
    rig_.apply(body(42, "a@example.com"));
    const Job running = rig_.claim();
    for (const char* name : {"Grace", "Hedy"}) {
      Delivery delivery = body(42, "a@example.com");
      delivery.firstName = name;
      rig_.apply(delivery);
    }
    const std::vector<Job> refreshes = rig_.jobsOf(kRefreshJob);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, refreshes.size());
    CPPUNIT_ASSERT_EQUAL(running.id, refreshes[0].id);
    CPPUNIT_ASSERT_EQUAL(std::string("42:again"), refreshes[1].key);
  }

  void newsOfAContactBringItsRefreshForward() {
    rig_.apply(body(42, "a@example.com"));
    const JobId id = rig_.openJob(kRefreshJob, "42")->id;
    rig_.write([&](store::Transaction& tx) {
      Job job = *tx.findJob(id);
      job.dueAt = rig_.clock.now() + std::chrono::hours{1};
      job.attempts = 9;
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
    Delivery delivery = body(42, "a@example.com");
    delivery.firstName = "Grace";
    rig_.apply(delivery);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobsOf(kRefreshJob).size());
    CPPUNIT_ASSERT(rig_.job(id)->dueAt == rig_.clock.now() + kRefreshDelay);
  }

  void nothingIsTakenInIfTheStoreFails() {
    rig_.store.failAt(test::FailingStore::Step::kWork);
    const auto failed = rig_.tryApply(test::DeliveryRig::genpass(42, "a@example.com"));
    CPPUNIT_ASSERT(!failed.ok());
    CPPUNIT_ASSERT(failed.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT(!rig_.contact(42));
    CPPUNIT_ASSERT(rig_.jobs().empty());
    CPPUNIT_ASSERT_EQUAL(0, rig_.woken);
    rig_.store.failAt(test::FailingStore::Step::kSubmit);
    CPPUNIT_ASSERT(rig_.tryApply(body(42, "a@example.com")).error().code == Code::kBusy);
  }

  void theOutboxIsWokenOnlyForJobs() {
    rig_.known(42, "a@example.com");
    rig_.apply(body(42, "a@example.com"));
    CPPUNIT_ASSERT_EQUAL(0, rig_.woken);
    Delivery delivery = body(42, "a@example.com");
    delivery.firstName = "Grace";
    rig_.apply(delivery);
    CPPUNIT_ASSERT_EQUAL(1, rig_.woken);
    delivery.firstName = "Ada";
    rig_.apply(delivery);  // the job that is queued already reads this, too
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobsOf(kRefreshJob).size());
    CPPUNIT_ASSERT_EQUAL(1, rig_.woken);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(DeliveryApplierTest);

}  // namespace mbr::members
