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
  board.hour = readTotals(reader, now - std::chrono::hours{1});
  board.day = readTotals(reader, now - std::chrono::hours{24});
  board.week = readTotals(reader, now - std::chrono::hours{7 * 24});
}

std::string joined(std::initializer_list<std::string> parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : " ") + part;
  }
  return text;
}

// The newest of each kind, in the order of time.
std::vector<ContactFile::Entry> readTimeline(store::Reader& reader, const Contact& contact) {
  const std::string email = contact.email ? contact.email->text() : "";
  std::vector<ContactFile::Entry> entries;
  store::DeliveryQuery deliveries;
  deliveries.contact = contact.id;
  deliveries.email = email;
  for (const auto& delivery : reader.searchDeliveries(deliveries, kEntriesOfAKind)) {
    entries.push_back(
        {delivery.receivedAt, "delivery",
         joined({delivery.route, delivery.eventType, delivery.status, delivery.followUp})});
  }
  store::JobQuery jobs;
  jobs.contact = contact.id;
  jobs.email = email;
  for (const Job& job : reader.searchJobs(jobs, kEntriesOfAKind)) {
    entries.push_back(
        {isOpen(job.state) ? job.createdAt : job.endedAt, "job",
         joined({std::to_string(job.id), job.kind, std::string(toString(job.state)), job.reason})});
  }
  for (const auto& record : reader.listAuditOf(contact.id, kEntriesOfAKind)) {
    entries.push_back({record.at, "audit", joined({record.actor, record.action, record.detail})});
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.at > b.at; });
  return entries;
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
  sources.contact = [this](const contacts::Who& who,
                           StatusPage::DoneFn<std::optional<ContactFile>> done) {
    onErrand<std::optional<ContactFile>>(std::move(done), [this, who] { return contact(who); });
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

Result<std::optional<ContactFile>> StatusDesk::contact(const contacts::Who& who) const {
  const auto cached = who.id ? cache_.findById(*who.id) : cache_.findByEmail(*who.email);
  if (!cached) return cached.error();
  if (*cached == nullptr) return std::optional<ContactFile>();
  const Contact& contact = (*cached)->contact;
  ContactFile file;
  file.deleted = contact.deletedAt.has_value();
  const auto shown = json::parse((*cached)->json);
  if (!shown || shown->asObject() == nullptr) return Error{Code::kInternal, "a contact is no JSON"};
  file.contact = *shown->asObject();
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    file.hasPassword = reader.findCredential(contact.id).has_value();
    file.timeline = readTimeline(reader, contact);
    return Done{};
  });
  if (!read) return read.error();
  return std::optional(std::move(file));
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
