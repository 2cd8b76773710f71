#include "app/status_desk.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "app/history_view.h"
#include "members/job_repair.h"

namespace mbr::app {
namespace {

using pages::ContactFile;
using pages::StatusBoard;

constexpr int kDeadShown = 50;
constexpr int kEntriesOfAKind = 100;
constexpr std::chrono::seconds kBusyFor{1};

std::int64_t& countOf(StatusBoard::LaneJobs& lane, JobState state) {
  switch (state) {
    case JobState::kWaiting:
      return lane.waiting;
    case JobState::kRunning:
      return lane.running;
    case JobState::kDead:
      return lane.dead;
    default:
      return lane.queued;
  }
}

void readBoard(store::Reader& reader, Instant now, StatusBoard& board) {
  for (const store::JobCounts& row : reader.countJobs()) {
    auto& lane = board.lanes.at(static_cast<std::size_t>(row.lane));
    countOf(lane, static_cast<JobState>(row.state)) += row.count;
  }
  const Instant frozenUntil = reader.loadBudget().frozenUntil;
  if (frozenUntil > now) board.frozenUntil = frozenUntil;
  board.lastAutomation = reader.lastDeliveryAt("mbr_genpass");
  board.lastEvent = reader.lastDeliveryAt("events");
  const auto sweeps = reader.listSweeps(1);
  if (!sweeps.empty()) board.lastSweep = sweeps.front();
  board.gaps = reader.listOpenGaps();
  board.deadJobs = reader.listJobs(JobState::kDead, kDeadShown);
  const Grown grown(reader);
  board.hour = grown.since(now - std::chrono::hours{1});
  board.day = grown.since(now - std::chrono::hours{24});
  board.week = grown.since(now - std::chrono::hours{7 * 24});
}

}  // namespace

// A piece too many is answered at once.
template <class T, class ReadFn>
void StatusDesk::onErrand(pages::StatusPage::DoneFn<T> done, ReadFn read) {
  const bool isTaken = errands_.add([done, read] { done(read()); });
  if (!isTaken) done(Error{Code::kBusy, "too much is asked of the status page", kBusyFor});
}

pages::StatusPage::Sources StatusDesk::sources() {
  using pages::StatusPage;
  StatusPage::Sources sources;
  sources.board = [this](StatusPage::DoneFn<StatusBoard> done) {
    onErrand<StatusBoard>(std::move(done), [this] { return board(); });
  };
  sources.history = [this](const pages::Span& span, StatusPage::DoneFn<pages::StatusHistory> done) {
    onErrand<pages::StatusHistory>(std::move(done), [this, span] { return history(span); });
  };
  sources.contact = [this](const contacts::Who& who, StatusPage::DoneFn<ContactFile> done) {
    onErrand<ContactFile>(std::move(done), [this, who] { return contact(who); });
  };
  sources.retry = [this](JobId job, const std::string& actor, std::function<void(Outcome)> done) {
    retry(job, actor, std::move(done));
  };
  return sources;
}

Result<StatusBoard> StatusDesk::board() const {
  StatusBoard board;
  board.version = MBR_VERSION;
  board.startedAt = status_.startedAt();
  board.contacts = status_.contacts();
  board.rate = rate_;
  if (breaker_.account() == activecampaign::AccountState::kRefused) {
    board.account = StatusBoard::Account::kRefused;
  } else if (breaker_.open()) {
    board.account = StatusBoard::Account::kDown;
  }
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    readBoard(reader, clock_.now(), board);
    return Done{};
  });
  if (!read) return read.error();
  return board;
}

Result<pages::StatusHistory> StatusDesk::history(const pages::Span& span) const {
  pages::StatusHistory history;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    history = readHistory(reader, span, clock_.now());
    return Done{};
  });
  if (!read) return read.error();
  return history;
}

Result<ContactFile> StatusDesk::contact(const contacts::Who& who) const {
  ContactFile file;
  const auto cached = who.id ? cache_.findById(*who.id) : cache_.findByEmail(*who.email);
  if (!cached) return cached.error();
  if (*cached != nullptr) {
    if (const Outcome told = describe(**cached, file); !told) return told.error();
  }
  auto diagnosis = support_.why(who, std::nullopt, std::nullopt);
  if (!diagnosis) return diagnosis.error();
  file.diagnosis = std::move(diagnosis).value();
  const auto entries = support_.trace(who, kEntriesOfAKind);
  if (!entries) return entries.error();
  for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
    file.timeline.push_back({entry->at, entry->kind, entry->what});
  }
  return file;
}

Outcome StatusDesk::describe(const contacts::CachedContact& cached, ContactFile& file) const {
  const auto shown = json::parse(cached.json);
  if (!shown || shown->asObject() == nullptr) return Error{Code::kInternal, "a contact is no JSON"};
  file.contact = *shown->asObject();
  file.deleted = cached.contact.deletedAt.has_value();
  return store_.read([&](store::Reader& reader) -> Outcome {
    file.hasPassword = reader.findCredential(cached.contact.id).has_value();
    return Done{};
  });
}

void StatusDesk::retry(JobId job, const std::string& actor,
                       std::function<void(Outcome)> done) const {
  store_.submit([job, actor](store::Transaction& tx) { return members::retryJob(tx, job, actor); },
                [this, done = std::move(done)](const Outcome& retried) {
                  if (retried) dispatcher_.wake();
                  done(retried);
                });
}

}  // namespace mbr::app
