#include "app/status_desk.h"

#include <cppunit/extensions/HelperMacros.h>

#include <future>

#include "app/loopback.h"
#include "app/workbench.h"
#include "passwords/temp_key_ring.h"
#include "support/temp_dir.h"

namespace mbr::app {

// What the status page shows of a contact.
class StatusDeskTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StatusDeskTest);
  CPPUNIT_TEST(aContactIsShownWithWhatTheCommandsSay);
  CPPUNIT_TEST(theTimelineBeginsWithTheNewest);
  CPPUNIT_TEST(aTagIsCalledAsItIsCalledNow);
  CPPUNIT_TEST(oneThatIsNotKnownIsSaidToBe);
  CPPUNIT_TEST(oneThatIsNotKnownMayHaveLeftTraces);
  CPPUNIT_TEST_SUITE_END();

  const test::TempDir folder_;
  const std::string keyFile_ = test::writeKeyFile(folder_, "master.key", test::keyLine("k1", '1'));
  Workbench bench_{withTag(test::loopbackConfig(folder_, keyFile_))};
  Outbound outbound_{bench_.ground()};
  contacts::ContactCache cache_{*bench_.store, bench_.directories, {}};
  Status status_{*bench_.store, bench_.account.breaker, bench_.clock, 4};
  const Support support_{*bench_.store,       bench_.keys,        bench_.config,
                         bench_.installation, bench_.directories, bench_.clock};
  StatusDesk desk_{*bench_.store, cache_,   outbound_.dispatcher, bench_.account.breaker,
                   status_,       support_, bench_.clock,         4};
  const Email jane_ = *Email::parse("jane@example.com");

 public:
  void setUp() override { desk_.start(); }
  void tearDown() override { desk_.stop(); }

 private:
  static config::Config withTag(config::Config config) {
    config.login.requiredTags = {"Member"};
    return config;
  }
  void write(const std::function<void(store::Transaction&)>& work) {
    require(bench_.store->write([&](store::Transaction& tx) -> Outcome {
      work(tx);
      return Done{};
    }));
  }
  void addJane() {
    write([&](store::Transaction& tx) {
      Contact contact;
      contact.id = 7;
      contact.email = jane_;
      contact.tags = {1};
      contact.changedAt = tx.now();
      tx.saveContact(contact);
      tx.addAudit({tx.now() + std::chrono::hours{1}, "cli", "replayed", 7, "later", ""});
    });
  }
  pages::ContactFile find(const contacts::Who& who) {
    std::promise<Result<pages::ContactFile>> found;
    desk_.sources().contact(who,
                            [&](const Result<pages::ContactFile>& file) { found.set_value(file); });
    const auto file = found.get_future().get();
    CPPUNIT_ASSERT(file.ok());
    return *file;
  }

  void aContactIsShownWithWhatTheCommandsSay() {
    addJane();
    for (const contacts::Who& who :
         {contacts::Who{7, std::nullopt}, contacts::Who{std::nullopt, jane_}}) {
      const auto file = find(who);
      CPPUNIT_ASSERT_EQUAL(std::string("7"), (*file.contact).find("id")->textOr(""));
      CPPUNIT_ASSERT(!file.deleted && !file.hasPassword);
      const auto why = support_.why(who, std::nullopt, std::nullopt).value();
      CPPUNIT_ASSERT_EQUAL(std::string("never_asked"), file.diagnosis.verdict.code);
      CPPUNIT_ASSERT_EQUAL(why.verdict.cure, file.diagnosis.verdict.cure);
      CPPUNIT_ASSERT_EQUAL(why.findings.size(), file.diagnosis.findings.size());
    }
  }

  void theTimelineBeginsWithTheNewest() {
    addJane();
    const auto file = find({7, std::nullopt});
    const auto trace = support_.trace({7, std::nullopt}, 100).value();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, file.timeline.size());
    CPPUNIT_ASSERT_EQUAL(std::string("replayed by cli: later"), file.timeline.front().what);
    CPPUNIT_ASSERT_EQUAL(trace.front().what, file.timeline.back().what);
  }

  // The desk outlives many changes of the directories, which a command does not.
  void aTagIsCalledAsItIsCalledNow() {
    addJane();
    const auto tagsShown = [&] {
      for (const auto& finding : find({7, std::nullopt}).diagnosis.findings) {
        if (finding.check == "tags") return finding.mark;
      }
      CPPUNIT_FAIL("tags are not looked at");
      return members::Mark::kNote;
    };
    CPPUNIT_ASSERT(tagsShown() == members::Mark::kBad);
    write([](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, {{1, "Member"}});
    });
    CPPUNIT_ASSERT(tagsShown() == members::Mark::kGood);
  }

  void oneThatIsNotKnownIsSaidToBe() {
    const auto file = find({std::nullopt, jane_});
    CPPUNIT_ASSERT(!file.contact && file.timeline.empty());
    CPPUNIT_ASSERT_EQUAL(std::string("unknown"), file.diagnosis.verdict.code);
  }

  void oneThatIsNotKnownMayHaveLeftTraces() {
    write([](store::Transaction& tx) { tx.addAudit({tx.now(), "cli", "erased", 9, "", ""}); });
    const auto file = find({9, std::nullopt});
    CPPUNIT_ASSERT(!file.contact);
    CPPUNIT_ASSERT_EQUAL(std::string("erased by cli"), file.timeline.at(0).what);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(StatusDeskTest);

}  // namespace mbr::app
