#include "access/sessions.h"

#include <cppunit/extensions/HelperMacros.h>

#include <future>
#include <map>
#include <set>
#include <string>

#include "access/rig.h"

namespace mbr::access {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

class SessionsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SessionsTest);
  CPPUNIT_TEST(aSavedSessionIsFoundByItsToken);
  CPPUNIT_TEST(aSessionThatWasNotSavedDoesNotExist);
  CPPUNIT_TEST(tokensHave256BitsAndAreKeptAsDigests);
  CPPUNIT_TEST(wrongTokensFindNothing);
  CPPUNIT_TEST(anIdleSessionEnds);
  CPPUNIT_TEST(useKeepsASessionAliveUntilItsAbsoluteEnd);
  CPPUNIT_TEST(useIsWrittenAtMostOnceInFiveMinutes);
  CPPUNIT_TEST(anEndedSessionIsGone);
  CPPUNIT_TEST(notingAUseBringsNoEndedSessionBack);
  CPPUNIT_TEST(aStoreThatIsDownIsAnErrorAndNotALogout);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock;
  test::SeededRandom random;
  test::TestStore database{clock};
  SwitchedStore store{database.store()};
  Sessions sessions{store, random, clock};

  std::map<std::string, std::string> digests;  // by token

  Secret begin(ContactId contact = 42) {
    const auto prepared = sessions.prepare(contact, "password");
    CPPUNIT_ASSERT(store
                       .write([&](store::Transaction& tx) -> Outcome {
                         tx.saveSession(prepared.record);
                         return Done{};
                       })
                       .ok());
    digests[prepared.token.reveal()] = prepared.record.digest;
    return prepared.token;
  }
  std::optional<Session> find(const Secret& token) {
    const auto found = sessions.find(token.reveal());
    CPPUNIT_ASSERT(found.ok());
    return found.value();
  }
  // The writer works in order, so this waits for what was submitted before.
  void settle() {
    CPPUNIT_ASSERT(store.write([](store::Transaction&) -> Outcome { return Done{}; }).ok());
  }
  std::optional<store::SessionRecord> recordOf(const Secret& token) {
    settle();
    std::optional<store::SessionRecord> record;
    CPPUNIT_ASSERT(store
                       .read([&](store::Reader& reader) -> Outcome {
                         record = reader.findSession(digests.at(token.reveal()));
                         return Done{};
                       })
                       .ok());
    return record;
  }

  void aSavedSessionIsFoundByItsToken() {
    const Secret ada = begin(1), bob = begin(2);
    CPPUNIT_ASSERT_EQUAL(ContactId{1}, find(ada)->contactId);
    CPPUNIT_ASSERT_EQUAL(ContactId{2}, find(bob)->contactId);
    CPPUNIT_ASSERT_EQUAL(std::string("password"), find(ada)->via);
    CPPUNIT_ASSERT(find(ada)->createdAt == clock.now());
    CPPUNIT_ASSERT(find(ada)->expiresAt == clock.now() + hours{12});
  }

  void aSessionThatWasNotSavedDoesNotExist() {
    CPPUNIT_ASSERT(!find(sessions.prepare(1, "link").token));
  }

  void tokensHave256BitsAndAreKeptAsDigests() {
    std::set<std::string> tokens;
    for (int i = 0; i < 100; ++i) {
      const auto prepared = sessions.prepare(1, "link");
      CPPUNIT_ASSERT_EQUAL(std::size_t{43}, prepared.token.size());
      CPPUNIT_ASSERT_EQUAL(std::size_t{32}, prepared.record.digest.size());
      CPPUNIT_ASSERT(prepared.record.via == "link");
      tokens.insert(prepared.token.reveal());
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{100}, tokens.size());
  }

  void wrongTokensFindNothing() {
    const std::string token = begin().reveal();
    for (const std::string& text : {std::string(), token + "A", token.substr(1),
                                    std::string(43, 'A'), std::string(100000, 'A')}) {
      CPPUNIT_ASSERT(!find(Secret(text)));
    }
  }

  void anIdleSessionEnds() {
    const Secret token = begin();
    clock.advance(hours{12} - milliseconds{1});
    const Secret other = begin();
    CPPUNIT_ASSERT(find(token).has_value());
    settle();
    clock.advance(hours{12});
    CPPUNIT_ASSERT(!find(token));
    CPPUNIT_ASSERT_MESSAGE("a session that is over is cleaned up", !recordOf(token));
    CPPUNIT_ASSERT(!find(other));
  }

  void useKeepsASessionAliveUntilItsAbsoluteEnd() {
    const Secret token = begin();
    for (int i = 0; i < 65; ++i) {
      clock.advance(hours{11});
      const auto found = find(token);
      CPPUNIT_ASSERT(found.has_value());
      CPPUNIT_ASSERT(found->expiresAt <= found->createdAt + hours{30 * 24});
      settle();
    }
    clock.advance(hours{30 * 24 - 65 * 11} - milliseconds{1});
    CPPUNIT_ASSERT(find(token).has_value());
    settle();
    clock.advance(milliseconds{1});
    CPPUNIT_ASSERT(!find(token));
  }

  void useIsWrittenAtMostOnceInFiveMinutes() {
    const Instant start = clock.now();
    const Secret token = begin();
    clock.advance(minutes{5} - milliseconds{1});
    CPPUNIT_ASSERT(find(token).has_value());
    CPPUNIT_ASSERT(recordOf(token)->usedAt == start);
    clock.advance(milliseconds{1});
    CPPUNIT_ASSERT(find(token)->expiresAt == clock.now() + hours{12});
    CPPUNIT_ASSERT(recordOf(token)->usedAt == start + minutes{5});
    clock.advance(minutes{1});
    CPPUNIT_ASSERT(find(token).has_value());
    CPPUNIT_ASSERT(recordOf(token)->usedAt == start + minutes{5});
  }

  void anEndedSessionIsGone() {
    const Secret token = begin();
    std::promise<bool> ended;
    sessions.end(token.reveal(), [&](const Outcome& outcome) { ended.set_value(outcome.ok()); });
    CPPUNIT_ASSERT(ended.get_future().get());
    CPPUNIT_ASSERT(!find(token));
    sessions.end(token.reveal());
    sessions.end("never was one");
    settle();
  }

  void notingAUseBringsNoEndedSessionBack() {
    const Secret token = begin();
    clock.advance(hours{1});
    // The writer is held, so that the end is queued before the use that find() notes.
    std::promise<void> holding, mayGo;
    store.submit(
        [&](store::Transaction&) -> Outcome {
          holding.set_value();
          mayGo.get_future().wait();
          return Done{};
        },
        [](const Outcome&) {});
    holding.get_future().wait();
    sessions.end(token.reveal());
    CPPUNIT_ASSERT(find(token).has_value());
    mayGo.set_value();
    CPPUNIT_ASSERT(!recordOf(token));
    CPPUNIT_ASSERT(!find(token));
  }

  void aStoreThatIsDownIsAnErrorAndNotALogout() {
    const Secret token = begin();
    store.down = true;
    CPPUNIT_ASSERT(sessions.find(token.reveal()).error().code == Code::kUnavailable);
    store.down = false;
    CPPUNIT_ASSERT(find(token).has_value());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SessionsTest);

}  // namespace
}  // namespace mbr::access
