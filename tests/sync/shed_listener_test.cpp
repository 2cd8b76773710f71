#include "sync/shed_listener.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <thread>

#include "ops/metrics.h"
#include "support/await.h"
#include "support/failing_store.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"
#include "support/test_store.h"
#include "sync/captured_log.h"
#include "sync/shed_socket.h"

namespace mbr::sync {
namespace {

using namespace std::chrono_literals;
using test::await;
using test::kPatience;

constexpr Milliseconds kLook{20};  // by the machine's clock: how soon a moved clock is noticed

sockaddr_un addressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// A socket bound at a path, as another daemon has it.
class Holder {
 public:
  explicit Holder(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    const auto address = addressOf(path);
    CPPUNIT_ASSERT_EQUAL(0,
                         ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  }
  ~Holder() { letGo(); }
  void letGo() {  // the file stays
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// nginx's side: stays connected to the socket that it found first.
class Nginx {
 public:
  explicit Nginx(std::string path) : path_(std::move(path)) {}
  ~Nginx() { disconnect(); }

  // False: nobody takes it. Waits while the queue is full.
  bool send(const std::string& datagram) {
    if (fd_ < 0) connect();
    if (fd_ < 0) return false;
    const auto sent = ::send(fd_, datagram.data(), datagram.size(), MSG_NOSIGNAL);
    if (sent < 0) disconnect();
    return sent >= 0;
  }
  void awaitAndSend(const std::string& datagram) {
    await("nobody listens", [&] { return send(datagram); });
  }
  void disconnect() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  void connect() {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto address = addressOf(path_);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      disconnect();
    }
  }

  const std::string path_;
  int fd_ = -1;
};

std::string noteAt(Instant at, const std::string& status = "429") {
  const auto ms = toEpochMs(at);
  std::string fraction = std::to_string(ms % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return "<188>Nov 23 09:20:04 membergate: {\"ev\":\"shed\",\"t\":" + std::to_string(ms / 1000) +
         "." + fraction + ",\"ip\":\"192.0.2.77\",\"status\":\"" + status +
         "\",\"route\":\"/membergate/hooks/events\",\"tid\":\"314159\",\"automation\":\"\","
         "\"id\":\"32hexdigits\"}";
}

double noted(const std::string& status) {
  return ops::counter("membergate_shed_notes_total", "", {{"status", status}}).value();
}
double ignored() { return ops::counter("membergate_shed_notes_ignored_total", "").value(); }

class ShedNoteTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ShedNoteTest);
  CPPUNIT_TEST(aNoteTellsItsTimeAndStatus);
  CPPUNIT_TEST(aStatusThatIsNotOneOfOursIsOther);
  CPPUNIT_TEST(aNoteOfSomethingElseIsForeign);
  CPPUNIT_TEST(whatCannotBeReadCountsAsShed);
  CPPUNIT_TEST(whatACallerWritesIntoAParameterIsNoKey);
  CPPUNIT_TEST(aTimeMoreThanADayOffIsTheTimeOfReading);
  CPPUNIT_TEST(theRangeHoldsAllNotesWithASecondBefore);
  CPPUNIT_TEST_SUITE_END();

  const Instant now_{1700000000s};

  void aNoteTellsItsTimeAndStatus() {
    const std::string text = noteAt(now_ + 123ms, "504");
    const ShedNote note = readShedNote(text);
    CPPUNIT_ASSERT(note.kind == ShedNote::Kind::kShed);
    CPPUNIT_ASSERT(note.at == std::optional<Instant>(now_ + 123ms));
    CPPUNIT_ASSERT_EQUAL(std::string("504"), std::string(note.status));
  }

  void aStatusThatIsNotOneOfOursIsOther() {
    for (const char* status : {"200", "", "4290", "not a number"}) {
      const std::string text = noteAt(now_, status);
      CPPUNIT_ASSERT_EQUAL(std::string("other"), std::string(readShedNote(text).status));
    }
  }

  void aNoteOfSomethingElseIsForeign() {
    const auto note = readShedNote("<188>x: {\"ev\":\"access\",\"t\":1700000000.000}");
    CPPUNIT_ASSERT(note.kind == ShedNote::Kind::kForeign);
  }

  void whatCannotBeReadCountsAsShed() {
    for (const char* text : {"", "<188>", "garbage", "{", "{\"t\":1700000000.000}",
                             "{\"ev\":", "{\"ev\":\"shed", "{\"ev\":7}"}) {
      const auto note = readShedNote(text);
      CPPUNIT_ASSERT_MESSAGE(text, note.kind == ShedNote::Kind::kUnreadable && !note.at);
    }
    for (const char* time : {"", "x", "-5.000", "1700000000", "1700000000.", "1700000000.12",
                             "99999999999999999999.000", "123456789012.000", "1.-23"}) {
      const std::string text =
          std::string("{\"ev\":\"shed\",\"t\":") + time + ",\"status\":\"429\"}";
      const auto note = readShedNote(text);
      CPPUNIT_ASSERT_MESSAGE(time, note.kind == ShedNote::Kind::kShed && !note.at);
      CPPUNIT_ASSERT_MESSAGE(time, note.status == "429");
    }
  }

  void whatACallerWritesIntoAParameterIsNoKey() {
    const auto note = readShedNote(
        "{\"ev\":\"shed\",\"tid\":\"\\\"t\\\":1.000,\\\"status\\\":\\\"502\\\"\","
        "\"t\":1700000000.000,\"status\":\"413\"}");
    CPPUNIT_ASSERT(note.at == std::optional<Instant>(now_));
    CPPUNIT_ASSERT_EQUAL(std::string("413"), std::string(note.status));
  }

  void aTimeMoreThanADayOffIsTheTimeOfReading() {
    for (const auto off : {-25h, 25h}) {
      ShedTally tally;
      tally.add({ShedNote::Kind::kShed, now_ + off, "429"}, now_);
      CPPUNIT_ASSERT(tally.from == std::optional<Instant>(now_ - 1s));
      CPPUNIT_ASSERT(tally.to == std::optional<Instant>(now_));
    }
  }

  void theRangeHoldsAllNotesWithASecondBefore() {
    ShedTally tally;
    CPPUNIT_ASSERT(tally.empty());
    tally.add({ShedNote::Kind::kShed, now_ - 5s, "429"}, now_);
    tally.add({ShedNote::Kind::kShed, now_ - 9s, "429"}, now_);
    ShedTally later;
    later.add({ShedNote::Kind::kShed, now_ + 3s, "429"}, now_);
    tally.merge(later);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, tally.notes);
    CPPUNIT_ASSERT(tally.from == std::optional<Instant>(now_ - 10s));
    CPPUNIT_ASSERT(tally.to == std::optional<Instant>(now_ + 3s));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ShedNoteTest);

class ShedListenerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ShedListenerTest);
  CPPUNIT_TEST(aNoteOpensAGapAndFurtherOnesWidenIt);
  CPPUNIT_TEST(aFloodOfTwentyThousandNotesCostsTwoCommits);
  CPPUNIT_TEST(notesAreReadWhileACommitIsUnderWay);
  CPPUNIT_TEST(garbageOpensAGapFromNowAndForeignNotesDoNot);
  CPPUNIT_TEST(theLogTellsHowManyAndNotWho);
  CPPUNIT_TEST(everyUserMayWriteToTheSocket);
  CPPUNIT_TEST(aSocketThatIsRemovedIsBoundAgainAndTheTimeBetweenIsAGap);
  CPPUNIT_TEST(whoStayedConnectedToTheRemovedSocketIsStillHeard);
  CPPUNIT_TEST(aPathThatALiveProcessHoldsIsLeftToIt);
  CPPUNIT_TEST(aStaleSocketIsReplaced);
  CPPUNIT_TEST(aFileThatIsNoSocketIsLeftAlone);
  CPPUNIT_TEST(aDirectoryThatAppearsLaterIsUsedThen);
  CPPUNIT_TEST(aRefusedCommitLosesNothing);
  CPPUNIT_TEST(aCommitThatFailsLosesNothing);
  CPPUNIT_TEST(whatIsNotWrittenYetIsWrittenAtStop);
  CPPUNIT_TEST(stopWaitsForTheCommitUnderWay);
  CPPUNIT_TEST(stopRemovesOnlyItsOwnSocket);
  CPPUNIT_TEST(withoutAPathItIsOff);
  CPPUNIT_TEST_SUITE_END();

 public:
  void tearDown() override {
    if (listener_) listener_->stop();
    database_.reset();  // the writer goes before those whom it tells
  }

 private:
  test::TempDir dir_;
  const std::string path_ = dir_.file("shed.sock");
  test::FakeClock clock_;
  const Instant t0_ = clock_.now();
  std::atomic<int> gapChanges_{0};
  std::unique_ptr<test::TestStore> database_ = std::make_unique<test::TestStore>(clock_);
  test::FailingStore store_{*database_};
  std::unique_ptr<ShedListener> listener_;
  Nginx nginx_{path_};

  void start(const std::string& path) {
    store_.subscribe([this](const std::vector<store::Change>& changes) {
      for (const store::Change& change : changes) {
        if (change.kind == store::ChangeKind::kGap) ++gapChanges_;
      }
    });
    ShedListener::Options options;
    options.path = path;
    options.retryAfter = 1000ms;
    options.lookEvery = kLook;
    listener_ = std::make_unique<ShedListener>(store_, clock_, options);
    listener_->start();
  }
  void start() { start(path_); }
  void startAndAwaitSocket() {
    start();
    awaitSocket();
  }
  void awaitSocket() {
    const double before = ignored();
    await("nothing is bound", [&] {
      nginx_.disconnect();
      return nginx_.send("{\"ev\":\"hello\"}");
    });
    await("not read", [&] { return ignored() == before + 1; });
  }

  std::vector<Gap> gaps() {
    std::vector<Gap> all;
    database_->read([&](store::Reader& reader) { all = reader.listOpenGaps(); });
    return all;
  }
  void awaitCommits(int number) {
    await("no commit", [&] { return gapChanges_ >= number; });
  }
  void assertGap(Instant from, Instant to) {
    const auto all = gaps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, all.size());
    CPPUNIT_ASSERT_EQUAL(std::string(gap_reason::kShed), all.front().why);
    CPPUNIT_ASSERT_EQUAL(toEpochMs(from), toEpochMs(all.front().from));
    CPPUNIT_ASSERT_EQUAL(toEpochMs(to), toEpochMs(all.front().to));
  }
  // The store's writer does nothing until the promise is kept.
  std::shared_ptr<std::promise<void>> holdWriter() {
    auto go = std::make_shared<std::promise<void>>();
    auto began = std::make_shared<std::promise<void>>();
    database_->store().submit(
        [go, began](store::Transaction&) -> Outcome {
          began->set_value();
          go->get_future().wait_for(kPatience);
          return Done{};
        },
        [](const Outcome&) {});
    CPPUNIT_ASSERT(began->get_future().wait_for(kPatience) == std::future_status::ready);
    return go;
  }

  void aNoteOpensAGapAndFurtherOnesWidenIt() {
    startAndAwaitSocket();
    clock_.advance(10s);
    const double before = noted("429");
    nginx_.awaitAndSend(noteAt(t0_ + 4s));
    awaitCommits(1);
    assertGap(t0_ + 3s, t0_ + 10s);
    nginx_.awaitAndSend(noteAt(t0_ + 9s));
    await("not read", [&] { return noted("429") == before + 2; });
    CPPUNIT_ASSERT_EQUAL(1, gapChanges_.load());
    clock_.advance(250ms);
    awaitCommits(2);
    assertGap(t0_ + 3s, t0_ + 10s);
  }

  void aFloodOfTwentyThousandNotesCostsTwoCommits() {
    startAndAwaitSocket();
    clock_.advance(20s);
    const double before = noted("429");
    for (int i = 0; i < 20000; ++i) {
      CPPUNIT_ASSERT(nginx_.send(noteAt(t0_ + Milliseconds{i + 1})));
    }
    await("not all were read", [&] { return noted("429") == before + 20000; });
    awaitCommits(1);
    clock_.advance(250ms);
    awaitCommits(2);
    listener_->stop();
    CPPUNIT_ASSERT_EQUAL(2, gapChanges_.load());
    assertGap(t0_ + 1ms - 1s, t0_ + 20s);
  }

  void notesAreReadWhileACommitIsUnderWay() {
    startAndAwaitSocket();
    const double before = noted("502");
    const auto go = holdWriter();
    for (int i = 0; i < 5000; ++i) CPPUNIT_ASSERT(nginx_.send(noteAt(t0_, "502")));
    await("not all were read", [&] { return noted("502") == before + 5000; });
    CPPUNIT_ASSERT_EQUAL(0, gapChanges_.load());
    go->set_value();
    awaitCommits(1);
  }

  void garbageOpensAGapFromNowAndForeignNotesDoNot() {
    startAndAwaitSocket();
    const double before = ignored();
    const double others = noted("other");
    nginx_.awaitAndSend("{\"ev\":\"access\"}");
    await("not read", [&] { return ignored() == before + 1; });
    CPPUNIT_ASSERT(gaps().empty());
    nginx_.awaitAndSend(std::string("\0\xff {", 4));
    awaitCommits(1);
    CPPUNIT_ASSERT_EQUAL(others + 1, noted("other"));
    assertGap(t0_ - 1s, t0_);
  }

  void theLogTellsHowManyAndNotWho() {
    const test::CapturedLog log;
    startAndAwaitSocket();
    nginx_.awaitAndSend(noteAt(t0_));
    await("not logged", [&] { return log.has("\"event\":\"webhooks_shed\",\"notes\":1}"); });
    listener_->stop();
    for (const char* part : {"192.0.2.77", "314159", "32hexdigits"}) {
      CPPUNIT_ASSERT_MESSAGE(part, !log.has(part));
    }
  }

  void everyUserMayWriteToTheSocket() {
    const mode_t before = ::umask(0077);
    startAndAwaitSocket();
    await("closed to others", [&] {
      struct stat found {};
      return ::stat(path_.c_str(), &found) == 0 && (found.st_mode & 07777) == 0666;
    });
    ::umask(before);
  }

  void aSocketThatIsRemovedIsBoundAgainAndTheTimeBetweenIsAGap() {
    startAndAwaitSocket();
    std::filesystem::remove(path_);
    clock_.advance(7s);
    awaitCommits(1);
    const auto all = gaps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, all.size());
    CPPUNIT_ASSERT_EQUAL(toEpochMs(t0_), toEpochMs(all.front().from));
    CPPUNIT_ASSERT_EQUAL(toEpochMs(t0_ + 7s), toEpochMs(all.front().to));
    awaitSocket();
    const double before = noted("413");
    nginx_.awaitAndSend(noteAt(t0_, "413"));
    await("not read", [&] { return noted("413") == before + 1; });
  }

  void whoStayedConnectedToTheRemovedSocketIsStillHeard() {
    startAndAwaitSocket();
    std::filesystem::remove(path_);
    clock_.advance(7s);
    awaitCommits(1);
    const double before = noted("408");
    CPPUNIT_ASSERT(nginx_.send(noteAt(t0_, "408")));
    await("not read", [&] { return noted("408") == before + 1; });
  }

  void aPathThatALiveProcessHoldsIsLeftToIt() {
    const test::CapturedLog log;
    Holder other(path_);
    start();
    await("not logged", [&] { return log.has("shed_socket_held_by_another"); });
    clock_.advance(kLook);
    CPPUNIT_ASSERT(nginx_.send(noteAt(t0_)));  // the other one has it
    other.letGo();
    clock_.advance(60s);
    await("not taken over", [&] { return log.has("shed_socket_bound"); });
    CPPUNIT_ASSERT_EQUAL(1, log.count("shed_socket_held_by_another"));
    awaitCommits(1);  // nobody listened since the other one was last seen
    CPPUNIT_ASSERT(gaps().front().from >= t0_);
    CPPUNIT_ASSERT(gaps().front().to >= t0_ + 60s);
  }

  void aStaleSocketIsReplaced() {
    Holder(path_).letGo();
    CPPUNIT_ASSERT(std::filesystem::exists(path_));
    startAndAwaitSocket();
    CPPUNIT_ASSERT(gaps().empty());
  }

  void aFileThatIsNoSocketIsLeftAlone() {
    const test::CapturedLog log;
    std::ofstream(path_) << "precious";
    start();
    await("not logged", [&] { return log.has("shed_socket_unusable"); });
    CPPUNIT_ASSERT_EQUAL(std::uintmax_t{8}, std::filesystem::file_size(path_));
    listener_->stop();
    CPPUNIT_ASSERT(std::filesystem::exists(path_));
  }

  void aDirectoryThatAppearsLaterIsUsedThen() {
    const test::CapturedLog log;
    const std::string path = dir_.file("later/shed.sock");
    start(path);
    await("not logged", [&] { return log.has("shed_socket_unusable"); });
    clock_.advance(30s);
    std::filesystem::create_directory(dir_.file("later"));
    clock_.advance(30s);
    awaitCommits(1);
    CPPUNIT_ASSERT_EQUAL(1, log.count("shed_socket_unusable"));
    CPPUNIT_ASSERT(gaps().front().from == t0_);
    Nginx nginx(path);
    const double before = noted("503");
    nginx.awaitAndSend(noteAt(t0_, "503"));
    await("not read", [&] { return noted("503") == before + 1; });
  }

  void aRefusedCommitLosesNothing() { losesNothing(test::FailingStore::Step::kSubmit); }
  void aCommitThatFailsLosesNothing() { losesNothing(test::FailingStore::Step::kWork); }
  void losesNothing(test::FailingStore::Step step) {
    startAndAwaitSocket();
    clock_.advance(10s);
    store_.failAt(step, 1, 2);
    nginx_.awaitAndSend(noteAt(t0_ + 2s));
    await("did not fail", [&] { return store_.failed() == 1; });
    const double before = noted("499");
    nginx_.awaitAndSend(noteAt(t0_ + 8s, "499"));
    await("not read", [&] { return noted("499") == before + 1; });
    CPPUNIT_ASSERT(gaps().empty());
    const auto everySecondUntil = [&](const char* what, auto condition) {
      await(what, [&] {
        clock_.advance(1000ms);
        return condition();
      });
    };
    everySecondUntil("no second try", [&] { return store_.failed() == 2; });
    everySecondUntil("never stored", [&] { return gapChanges_ >= 1; });
    assertGap(t0_ + 1s, t0_ + 10s);
  }

  void whatIsNotWrittenYetIsWrittenAtStop() {
    ShedListener::Options options;
    options.path = path_;
    options.lookEvery = kLook;
    options.retryAfter = 5ms;
    ShedListener listener(store_, clock_, options);
    listener.start();
    nginx_.awaitAndSend(noteAt(t0_));
    await("not stored", [&] { return !gaps().empty(); });
    const double before = noted("504");
    nginx_.awaitAndSend(noteAt(t0_ - 60s, "504"));
    await("not read", [&] { return noted("504") == before + 1; });
    assertGap(t0_ - 1s, t0_);
    store_.failAt(test::FailingStore::Step::kBegin, 1, 2);
    listener.stop();
    CPPUNIT_ASSERT_EQUAL(2, store_.failed());
    assertGap(t0_ - 61s, t0_);
  }

  void stopWaitsForTheCommitUnderWay() {
    startAndAwaitSocket();
    const auto go = holdWriter();
    const double before = noted("429");
    nginx_.awaitAndSend(noteAt(t0_));
    await("not read", [&] { return noted("429") == before + 1; });
    auto stopped = std::async(std::launch::async, [&] { listener_->stop(); });
    await("the socket stays", [&] { return !std::filesystem::exists(path_); });
    CPPUNIT_ASSERT(stopped.wait_for(0s) == std::future_status::timeout);
    go->set_value();
    CPPUNIT_ASSERT(stopped.wait_for(kPatience) == std::future_status::ready);
    assertGap(t0_ - 1s, t0_);
    listener_->stop();
  }

  void stopRemovesOnlyItsOwnSocket() {
    startAndAwaitSocket();
    std::filesystem::remove(path_);
    const Holder other(path_);
    listener_->stop();
    CPPUNIT_ASSERT(std::filesystem::exists(path_));
  }

  void withoutAPathItIsOff() {
    start("");
    listener_->stop();
    CPPUNIT_ASSERT(gaps().empty());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ShedListenerTest);

}  // namespace
}  // namespace mbr::sync
