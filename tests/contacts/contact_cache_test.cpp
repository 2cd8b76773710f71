#include "contacts/contact_cache.h"

#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <future>
#include <set>
#include <thread>

#include "contacts/paused_store.h"
#include "support/failing_store.h"
#include "support/test_store.h"

namespace mbr::contacts {

class ContactCacheTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactCacheTest);
  CPPUNIT_TEST(aContactIsReadOnceAndThenHit);
  CPPUNIT_TEST(anUnknownContactIsNotFoundAndNotRemembered);
  CPPUNIT_TEST(aCommitIsSeenOnceItIsAnswered);
  CPPUNIT_TEST(aCommitOfAnotherProcessIsSeen);
  CPPUNIT_TEST(anEmailThatMovedLeadsToItsNewContact);
  CPPUNIT_TEST(anEmailThatChangedIsFoundBeforeTheChangeIsAnnounced);
  CPPUNIT_TEST(aDeletedContactIsFoundAndSaysSo);
  CPPUNIT_TEST(whatAReaderSawBeforeACommitIsNotPutBack);
  CPPUNIT_TEST(whatAReaderSawBeforeADirectoryChangedIsNotPutBack);
  CPPUNIT_TEST(theBoundInBytesIsKeptAndTheMostRecentStay);
  CPPUNIT_TEST(aContactLargerThanTheBoundIsServedAllTheSame);
  CPPUNIT_TEST(theTagChangesWithEverythingAReaderSees);
  CPPUNIT_TEST(theTagStaysWhileNothingChanges);
  CPPUNIT_TEST(aStoreThatIsDownIsAnErrorAndWhatIsCachedIsServed);
  CPPUNIT_TEST(readersAndWritersNeverSeeAnOlderVersionThanWasAnswered);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock_;
  std::unique_ptr<test::TestStore> database_;
  std::unique_ptr<test::FailingStore> failing_;
  std::unique_ptr<PausedStore> store_;
  std::unique_ptr<Directories> directories_;
  std::unique_ptr<ContactCache> cache_;

 public:
  void setUp() override { open({}); }
  void tearDown() override { close(); }

  void open(ContactCache::Options options) {
    database_ = std::make_unique<test::TestStore>(clock_);
    failing_ = std::make_unique<test::FailingStore>(*database_);
    store_ = std::make_unique<PausedStore>(*failing_);
    directories_ = std::make_unique<Directories>(*store_);
    cache_ = std::make_unique<ContactCache>(*store_, *directories_, options);
    store_->subscribe([this](const std::vector<store::Change>& changes) {
      for (const store::Change& change : changes) {
        if (change.kind == store::ChangeKind::kDirectory) directories_->invalidate();
      }
      cache_->invalidate(changes);
    });
    (void)directories_->names();
  }
  void close() {
    database_.reset();  // its writer tells the others
    cache_.reset();
    directories_.reset();
    store_.reset();
    failing_.reset();
  }

  static Email email(const char* text) { return *Email::parse(text); }
  static Contact contact(ContactId id, const char* mail, const std::string& name = "Ada") {
    Contact contact;
    contact.id = id;
    contact.email = Email::parse(mail);
    contact.firstName = name;
    return contact;
  }
  void save(const Contact& contact) {
    database_->write([&](store::Transaction& tx) { tx.saveContact(contact); });
  }
  CachedContactPtr byId(ContactId id) {
    auto found = cache_->findById(id);
    CPPUNIT_ASSERT(found.ok());
    return *found;
  }
  CachedContactPtr byEmail(const char* mail) {
    auto found = cache_->findByEmail(email(mail));
    CPPUNIT_ASSERT(found.ok());
    return *found;
  }

  void aContactIsReadOnceAndThenHit() {
    save(contact(42, "a@example.com"));
    const auto first = byId(42);
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), first->contact.firstName);
    const int reads = store_->reads();
    CPPUNIT_ASSERT(byId(42) == first);
    CPPUNIT_ASSERT(byEmail("a@example.com") == first);
    CPPUNIT_ASSERT_EQUAL(reads, store_->reads());
    CPPUNIT_ASSERT(cache_->bytes() > 0);
  }

  void anUnknownContactIsNotFoundAndNotRemembered() {
    CPPUNIT_ASSERT(!byId(42));
    CPPUNIT_ASSERT(!byEmail("a@example.com"));
    save(contact(42, "a@example.com"));
    CPPUNIT_ASSERT(byId(42));
    CPPUNIT_ASSERT(byEmail("a@example.com"));
  }

  void aCommitIsSeenOnceItIsAnswered() {
    save(contact(42, "a@example.com"));
    CPPUNIT_ASSERT(byEmail("a@example.com"));
    for (int i = 0; i < 50; ++i) {
      save(contact(42, "a@example.com", std::to_string(i)));
      CPPUNIT_ASSERT_EQUAL(std::to_string(i), byEmail("a@example.com")->contact.firstName);
    }
  }

  std::unique_ptr<store::Store> otherProcess() {
    store::sql::SqlStore::Options options;
    options.path = database_->path();
    auto other = store::sql::SqlStore::open(options, clock_);
    CPPUNIT_ASSERT(other.ok());
    return std::move(other).value();
  }
  static void saveBy(store::Store& store, const Contact& contact) {
    const Outcome saved = store.write([&](store::Transaction& tx) -> Outcome {
      tx.saveContact(contact);
      return Done{};
    });
    CPPUNIT_ASSERT(saved.ok());
  }

  void aCommitOfAnotherProcessIsSeen() {
    save(contact(42, "a@example.com"));
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), byId(42)->contact.firstName);
    const auto other = otherProcess();
    saveBy(*other, contact(42, "a@example.com", "Grace"));
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (byId(42)->contact.firstName != "Grace") {
      CPPUNIT_ASSERT(std::chrono::steady_clock::now() < until);
      std::this_thread::yield();
    }
  }

  void anEmailThatMovedLeadsToItsNewContact() {
    save(contact(41, "a@example.com"));
    CPPUNIT_ASSERT_EQUAL(ContactId{41}, byEmail("a@example.com")->contact.id);
    save(contact(42, "a@example.com"));
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, byEmail("a@example.com")->contact.id);
    CPPUNIT_ASSERT(!byId(41)->contact.email);
    save(contact(42, "b@example.com"));
    CPPUNIT_ASSERT(!byEmail("a@example.com"));
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, byEmail("b@example.com")->contact.id);
  }

  void anEmailThatChangedIsFoundBeforeTheChangeIsAnnounced() {
    close();
    database_ = std::make_unique<test::TestStore>(clock_);
    store_ = std::make_unique<PausedStore>(*database_);
    directories_ = std::make_unique<Directories>(*store_);
    cache_ = std::make_unique<ContactCache>(*store_, *directories_, ContactCache::Options{});
    save(contact(42, "a@example.com"));
    CPPUNIT_ASSERT(byEmail("a@example.com"));
    save(contact(42, "b@example.com"));  // and nobody tells the cache
    const auto found = byEmail("b@example.com");
    CPPUNIT_ASSERT(found != nullptr);
    CPPUNIT_ASSERT(found->contact.email == email("b@example.com"));
  }

  void aDeletedContactIsFoundAndSaysSo() {
    Contact gone = contact(42, "a@example.com");
    gone.deletedAt = clock_.now();
    save(gone);
    CPPUNIT_ASSERT(byId(42)->contact.deletedAt.has_value());
    CPPUNIT_ASSERT(byEmail("a@example.com")->contact.deletedAt.has_value());
  }

  void whatAReaderSawBeforeACommitIsNotPutBack() {
    save(contact(42, "a@example.com", "old"));
    store_->holdNextRead();
    auto reader = std::async(std::launch::async, [this] { return byId(42); });
    store_->awaitHeld();
    save(contact(42, "a@example.com", "new"));
    store_->letGo();
    CPPUNIT_ASSERT_EQUAL(std::string("old"), reader.get()->contact.firstName);
    CPPUNIT_ASSERT_EQUAL(std::string("new"), byId(42)->contact.firstName);
  }

  void whatAReaderSawBeforeADirectoryChangedIsNotPutBack() {
    Contact tagged = contact(42, "a@example.com");
    tagged.tags = {2};
    save(tagged);
    store_->holdNextRead();
    auto reader = std::async(std::launch::async, [this] { return byId(42); });
    store_->awaitHeld();
    database_->write([](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, {{2, "Gold"}});
    });
    store_->letGo();
    (void)reader.get();
    CPPUNIT_ASSERT(byId(42)->json.find("Gold") != std::string::npos);
  }

  void theBoundInBytesIsKeptAndTheMostRecentStay() {
    close();
    constexpr std::size_t kBound = 256 * 1024;
    open({kBound});
    database_->write([](store::Transaction& tx) {
      for (ContactId id = 1; id <= 500; ++id) {
        Contact one;
        one.id = id;
        one.firstName = std::string(500, 'x');
        tx.saveContact(one);
      }
    });
    for (ContactId id = 1; id <= 500; ++id) CPPUNIT_ASSERT(byId(id));
    CPPUNIT_ASSERT(cache_->bytes() <= kBound);
    CPPUNIT_ASSERT(cache_->bytes() > kBound / 2);
    const int reads = store_->reads();
    CPPUNIT_ASSERT(byId(500));
    CPPUNIT_ASSERT_EQUAL(reads, store_->reads());
    CPPUNIT_ASSERT(byId(1));
    CPPUNIT_ASSERT_EQUAL(reads + 1, store_->reads());
  }

  void aContactLargerThanTheBoundIsServedAllTheSame() {
    close();
    open({1024});
    save(contact(42, "a@example.com", std::string(5000, 'x')));
    CPPUNIT_ASSERT_EQUAL(std::size_t{5000}, byId(42)->contact.firstName.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{5000}, byEmail("a@example.com")->contact.firstName.size());
  }

  void theTagChangesWithEverythingAReaderSees() {
    Contact one = contact(42, "a@example.com");
    one.tags = {2};
    save(one);
    std::set<std::string> tags{byId(42)->etag};
    const auto expectAnother = [&](const char* what) {
      const std::string etag = byId(42)->etag;
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, '"', etag.front());
      CPPUNIT_ASSERT_MESSAGE(what, tags.insert(etag).second);
    };
    one.lastName = "L";
    save(one);
    expectAnother("a name");
    one.lastName.clear();
    save(one);
    expectAnother("the name as before: the version is another");
    one.confirmed = true;
    database_->write([&](store::Transaction& tx) { tx.touchContact(one); });
    expectAnother("confirmed");
    one.asOf = clock_.now();
    database_->write([&](store::Transaction& tx) { tx.touchContact(one); });
    expectAnother("as_of");
    database_->write([](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, {{2, "Gold"}});
    });
    expectAnother("a tag's name");
  }

  void theTagStaysWhileNothingChanges() {
    save(contact(42, "a@example.com"));
    const std::string etag = byId(42)->etag;
    save(contact(43, "b@example.com"));
    cache_->invalidate({{0, store::ChangeKind::kContact, 42, clock_.now()}});
    CPPUNIT_ASSERT_EQUAL(etag, byId(42)->etag);
  }

  void aStoreThatIsDownIsAnErrorAndWhatIsCachedIsServed() {
    save(contact(42, "a@example.com"));
    save(contact(43, "b@example.com"));
    CPPUNIT_ASSERT(byEmail("a@example.com"));
    failing_->failAt(test::FailingStore::Step::kRead, 1, 1000);
    CPPUNIT_ASSERT(byEmail("a@example.com"));
    CPPUNIT_ASSERT(cache_->findById(43).error().code == Code::kUnavailable);
    CPPUNIT_ASSERT(cache_->findByEmail(email("b@example.com")).error().code == Code::kUnavailable);
  }

  void readersAndWritersNeverSeeAnOlderVersionThanWasAnswered() {
    save(contact(42, "a@example.com"));
    std::atomic<std::int64_t> answered{1};
    std::atomic<bool> end{false};
    std::vector<std::future<bool>> readers;
    for (int i = 0; i < 3; ++i) {
      readers.push_back(std::async(std::launch::async, [&] {
        while (!end) {
          const std::int64_t least = answered;
          if ((*cache_->findById(42))->contact.version < least) return false;
          if ((*cache_->findByEmail(email("a@example.com")))->contact.version < least) return false;
        }
        return true;
      }));
    }
    for (int i = 2; i < 150; ++i) {
      save(contact(42, "a@example.com", std::to_string(i)));
      answered = i;
    }
    end = true;
    for (auto& reader : readers) CPPUNIT_ASSERT(reader.get());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ContactCacheTest);

}  // namespace mbr::contacts
