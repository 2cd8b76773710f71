#include "sync/password_batch.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "activecampaign/client.h"
#include "base/time_format.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "sync/import_pace.h"
#include "sync/password_work.h"
#include "sync/steps.h"

namespace mbr::sync {
namespace {

using activecampaign::ImportRow;
using members::PasswordPayload;
using members::Step;
using outbox::Verdict;

// A tag's name is what an import takes. One that was renamed since would be made anew under its old
// name, so the names must be no older than this.
constexpr std::chrono::seconds kNamesAge{60};

// Well below the lease of a job.
constexpr std::chrono::seconds kRenewEvery{20};

bool isOpen(const Step& step) {
  return step.state == Step::State::kOpen || step.state == Step::State::kStarted;
}

bool hasOpenTags(const PasswordPayload& payload) {
  return std::any_of(payload.steps.begin(), payload.steps.end(), [](const Step& step) {
    return step.kind == Step::Kind::kTag && isOpen(step);
  });
}

bool hasOpenAutomations(const PasswordPayload& payload) {
  return std::any_of(payload.steps.begin(), payload.steps.end(), [](const Step& step) {
    return step.kind == Step::Kind::kAutomation && isOpen(step);
  });
}

class PasswordBatch {
 public:
  PasswordBatch(const Workshop& workshop, std::vector<Job>& jobs, const StopFlag& stop)
      : w_(workshop), jobs_(jobs), stop_(stop), client_(workshop.clients.lease()) {
    for (Job& job : jobs_) {
      Item item;
      auto payload = members::readPasswordPayload(job.payload);
      if (payload) {
        item.work = std::make_unique<PasswordWork>(workshop, job, std::move(*payload));
      } else {
        item.verdict = Verdict::dead(payload.error().detail);
      }
      items_.push_back(std::move(item));
    }
  }

  std::vector<Verdict> run() {
    if (const Outcome done = stages(); !done) postpone(done.error());
    // Without their mark they would be in the next batch again.
    if (left_ > 0 && !broken_)
      (void)checkpoint([](store::Transaction&, std::size_t) { return true; });
    if (issued_ > 0) ops::logInfo("passwords_issued", {{"contacts", issued_}});
    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; i < items_.size(); ++i) verdicts.push_back(verdictOf(i));
    return verdicts;
  }

 private:
  // A job on its way. Whoever has a verdict is through with this run.
  struct Item {
    std::unique_ptr<PasswordWork> work;
    std::optional<Verdict> verdict;
    std::string email;  // as the newest read shows it
  };
  using Indexes = std::vector<std::size_t>;
  using Ids = std::vector<ContactId>;

  // Those that are further on first: what they end makes room.
  Outcome stages() {
    if (const Outcome done = lookAtTags(); !done) return done;
    if (const Outcome done = lookAtPasswords(); !done) return done;
    if (const Outcome done = sendTags(); !done) return done;
    return sendPasswords();
  }

  const PasswordPayload& payload(std::size_t i) const { return items_[i].work->payload(); }

  // --- passwords -----------------------------------------------------------------------------

  Outcome sendPasswords() {
    const Indexes fresh =
        where([](const PasswordPayload& p) { return !p.confirmed && p.import.empty(); });
    if (fresh.empty()) return Done{};
    const auto field = w_.reader.passwordField(*client_, call());
    if (!field) return field.error();
    Indexes toWrite;
    const auto judge = [&](store::Transaction& tx, std::size_t i, const ContactSnapshot& snapshot) {
      const auto next = items_[i].work->judge(tx, snapshot);
      if (next == PasswordWork::Next::kWrite) toWrite.push_back(i);
      if (next == PasswordWork::Next::kReadAgain) {
        items_[i].verdict =
            Verdict::retry({Code::kBusy, "the credential changed while it was read"});
      }
    };
    const Outcome read = readBack(fresh, judge, "the page did not show all of the contact");
    if (!read) return read;
    const Outcome sent = import(toWrite, [&](std::size_t i) {
      ImportRow row;
      row.email = items_[i].email;
      row.fields.emplace_back(*field, items_[i].work->password());
      return row;
    });
    // Whose field was filled goes on with the tags at once.
    return sent ? sendTags() : sent;
  }

  // Reads back what an import wrote: at the first look all of its contacts, later those that it is
  // said to have ended with.
  Outcome lookAtPasswords() {
    Indexes toRead;
    Indexes later;
    for (const std::size_t i :
         where([](const PasswordPayload& p) { return !p.confirmed && !p.import.empty(); })) {
      (payload(i).lookedAfter ? later : toRead).push_back(i);
    }
    const auto ended = imported(later, "the importer skipped the contact");
    if (!ended) return ended.error();
    toRead.insert(toRead.end(), ended->begin(), ended->end());
    const auto take = [&](store::Transaction& tx, std::size_t i, const ContactSnapshot& snapshot) {
      if (snapshot.password->empty()) {
        if (payload(i).lookedAfter) return leaveOthers(i, "the import left the field empty");
        return items_[i].work->lookedAfter();
      }
      items_[i].work->confirm(tx, snapshot.id, *snapshot.password);
      ++issued_;
    };
    return readBack(toRead, take, "the page did not show all of the contact");
  }

  // --- tags ----------------------------------------------------------------------------------

  Outcome sendTags() {
    Indexes wanting = where(
        [](const PasswordPayload& p) { return p.confirmed && p.import.empty() && hasOpenTags(p); });
    if (wanting.empty()) return Done{};
    if (const Outcome fresh = freshNames(); !fresh) return fresh;
    // Jobs that were confirmed by an earlier run have not been read by this one.
    Indexes unread;
    for (const std::size_t i : wanting) {
      if (items_[i].email.empty()) unread.push_back(i);
    }
    const Outcome read = readBack(
        unread, [](store::Transaction&, std::size_t, const ContactSnapshot&) {},
        "the page did not show all of the contact");
    if (!read) return read;

    const auto names = w_.directories.names();
    for (const std::size_t i : open(wanting)) {
      for (const Step& step : payload(i).steps) {
        if (step.kind == Step::Kind::kTag && isOpen(step) && names->tagName(step.id).empty()) {
          leaveOthers(i, "a tag of it has no name here");
        }
      }
    }
    return import(wanting, [&](std::size_t i) {
      ImportRow row;
      row.email = items_[i].email;
      for (const Step& step : payload(i).steps) {
        if (step.kind == Step::Kind::kTag && isOpen(step)) {
          row.tags.emplace_back(names->tagName(step.id));
        }
      }
      return row;
    });
  }

  // An import that has ended says whom it has done.
  Outcome lookAtTags() {
    const Indexes waiting = where([](const PasswordPayload& p) {
      return p.confirmed && !p.import.empty() && hasOpenTags(p);
    });
    const auto ended = imported(waiting, "the importer skipped the contact's tags");
    if (!ended) return ended.error();
    if (ended->empty()) return Done{};
    const std::set<std::size_t> tagged(ended->begin(), ended->end());
    return checkpoint([&](store::Transaction& tx, std::size_t i) {
      if (tagged.count(i) == 0) return false;
      const auto added = items_[i].work->tagsApplied();
      w_.updater.applyOwnTags(tx, *payload(i).contactId, added, {});
      return true;
    });
  }

  Outcome freshNames() {
    std::optional<std::string> fetched;
    const Outcome looked = w_.store.read([&](store::Reader& reader) -> Outcome {
      fetched = reader.findMeta(contacts::kDirectoriesFetched);
      return Done{};
    });
    if (!looked) return looked;
    const auto at = fetched ? parseIso8601(*fetched) : std::nullopt;
    if (at && w_.clock.now() - *at < kNamesAge) return Done{};
    return w_.reader.fetchDirectories(*client_, call());
  }

  // --- reading and importing -----------------------------------------------------------------

  // Reads the contacts by pages and hands each to `take`, inside the commit that stores the page;
  // whoever is not shown with all its parts goes singly.
  template <class Take>
  Outcome readBack(const Indexes& which, Take take, const char* otherwise) {
    for (std::size_t from = 0; from < which.size(); from += activecampaign::kPageSize) {
      if (stop_.raised()) return Error{Code::kBusy, "stopping", Milliseconds{0}};
      const std::size_t to = std::min(which.size(), from + activecampaign::kPageSize);
      std::map<ContactId, std::size_t> wanted;
      for (std::size_t k = from; k < to; ++k) wanted[*payload(which[k]).contactId] = which[k];
      Ids ids;
      for (const auto& each : wanted) ids.push_back(each.first);
      const auto page = w_.reader.readMany(*client_, ids, call());
      if (!page) return page.error();
      std::map<std::size_t, const ContactSnapshot*> shown;
      for (const ContactSnapshot& snapshot : page->contacts) {
        const auto found = wanted.find(snapshot.id);
        const bool whole = snapshot.password && snapshot.tags && snapshot.email;
        if (found != wanted.end() && whole) shown[found->second] = &snapshot;
      }
      for (const auto& each : wanted) {
        if (shown.count(each.second) == 0) leaveOthers(each.second, otherwise);
      }
      const Outcome stored = checkpoint([&](store::Transaction& tx, std::size_t i) {
        const auto found = shown.find(i);
        if (found == shown.end() || items_[i].verdict) return false;
        items_[i].email = found->second->email->text();
        take(tx, i, *found->second);
        return true;
      });
      if (!stored) return stored;
      if (const Outcome kept = keepLeases(); !kept) return kept;
    }
    return Done{};
  }

  // Which of these an import is said to have ended with; whom it left out goes singly, and after a
  // while those too whose import does not end.
  Result<Indexes> imported(const Indexes& waiting, const char* otherwise) {
    std::map<std::string, activecampaign::ImportInfo> known;
    Indexes ended;
    for (const std::size_t i : waiting) {
      const std::string& batch = payload(i).import;
      if (known.count(batch) == 0) {
        const auto info = readImport(batch);
        const bool gone = !info && info.error().code == Code::kNotFound;
        if (!info && !gone && !isLate(i)) return info.error();
        known[batch] = info ? *info : activecampaign::ImportInfo{gone, {}, {}};
      }
      const auto& info = known[batch];
      const auto& done = info.success;
      if (std::find(done.begin(), done.end(), *payload(i).contactId) != done.end()) {
        if (info.completed) ended.push_back(i);
      } else if (info.completed) {
        leaveOthers(i, otherwise);
      }
      if (!info.completed && isLate(i)) leaveOthers(i, "the import did not end in time");
    }
    return ended;
  }

  // What an import that has ended said stays as it is: others may have jobs in it too.
  Result<activecampaign::ImportInfo> readImport(const std::string& batch) {
    if (auto ended = w_.endedImports->find(batch)) return std::move(*ended);
    auto info = client_->readImport(call(), batch);
    if (info && info->completed) w_.endedImports->keep(batch, *info);
    return info;
  }

  bool isLate(std::size_t i) const {
    return w_.clock.now() - payload(i).importedAt >= w_.importPatience;
  }

  // Sends them in imports; the job says in which one it is.
  template <class RowOf>
  Outcome import(const Indexes& which, RowOf rowOf) {
    const Indexes rows = open(which);
    for (std::size_t from = 0; from < rows.size(); from += activecampaign::kImportSize) {
      const std::size_t to = std::min(rows.size(), from + activecampaign::kImportSize);
      std::vector<ImportRow> import;
      for (std::size_t k = from; k < to; ++k) import.push_back(rowOf(rows[k]));
      const auto batch = sendImport(import);
      if (!batch) {
        if (batch.error().code != Code::kInvalid) return batch.error();
        for (std::size_t k = from; k < to; ++k) leaveOthers(rows[k], batch.error().detail);
        continue;
      }
      ops::counter("membergate_imports_total", "Bulk imports sent to ActiveCampaign.").add();
      const std::set<std::size_t> in(rows.begin() + static_cast<std::ptrdiff_t>(from),
                                     rows.begin() + static_cast<std::ptrdiff_t>(to));
      const Outcome stored = checkpoint([&](store::Transaction&, std::size_t i) {
        if (in.count(i) == 0) return false;
        items_[i].work->sent(*batch);
        return true;
      });
      if (!stored) return stored;
    }
    return Done{};
  }

  // Waits for the importer's own limit.
  Result<std::string> sendImport(const std::vector<ImportRow>& rows) {
    while (true) {
      Outcome slot = takeImportSlot(w_.store, w_.clock);
      if (slot) {
        auto batch = client_->importContacts(call(), rows);
        if (batch || batch.error().code != Code::kBusy) return batch;
        slot = batch.error();
      }
      if (slot.error().code != Code::kBusy) return slot.error();
      const auto waited = wait(slot.error().retryAfter.value_or(std::chrono::seconds{1}));
      if (!waited) return waited.error();
    }
  }

  // --- the jobs ------------------------------------------------------------------------------

  // Stores those for which `also`, called in the same commit, says so.
  template <class Also>
  Outcome checkpoint(Also also) {
    const Outcome stored =
        w_.dispatcher.checkpointAll(jobs_, [&](store::Transaction& tx, Job& job) {
          const auto i = static_cast<std::size_t>(&job - jobs_.data());
          return items_[i].work != nullptr && also(tx, i);
        });
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (jobs_[i].state != JobState::kRunning && !items_[i].verdict) {
        items_[i].verdict = Verdict::retry({Code::kConflict, "the job is no longer ours"});
      }
      // What `also` made of a job is not in the store, so this run tells nothing more of it.
      if (!stored && !items_[i].verdict) items_[i].verdict = Verdict::retry(stored.error());
    }
    broken_ = broken_ || !stored;
    return stored;
  }

  Outcome keepLeases() {
    const SteadyInstant now = w_.clock.steady();
    if (now - renewedAt_ < kRenewEvery) return Done{};
    renewedAt_ = now;
    return checkpoint([](store::Transaction&, std::size_t) { return true; });
  }

  Outcome wait(Milliseconds pause) {
    if (stop_.waitUntil(w_.clock.steady() + pause)) {
      return Error{Code::kBusy, "stopping", Milliseconds{0}};
    }
    return keepLeases();
  }

  Indexes open(const Indexes& which) const {
    Indexes left;
    for (const std::size_t i : which) {
      if (!items_[i].verdict) left.push_back(i);
    }
    return left;
  }

  template <class Is>
  Indexes where(Is is) const {
    Indexes found;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (!items_[i].verdict && is(payload(i))) found.push_back(i);
    }
    return found;
  }

  void leaveOthers(std::size_t i, const std::string& reason) {
    if (items_[i].verdict) return;
    items_[i].work->leaveOthers();
    items_[i].verdict = Verdict::retry({Code::kBusy, reason, Milliseconds{0}});
    ++left_;
  }

  // Those whose import is under way wait for it as if nothing had happened.
  void postpone(const Error& error) {
    for (const std::size_t i :
         where([](const PasswordPayload& p) { return p.import.empty() && !isThrough(p); })) {
      items_[i].verdict = Verdict::retry(error);
    }
  }

  static bool isThrough(const PasswordPayload& payload) {
    return payload.confirmed && std::none_of(payload.steps.begin(), payload.steps.end(), isOpen);
  }

  Verdict verdictOf(std::size_t i) {
    if (items_[i].verdict) return std::move(*items_[i].verdict);
    const PasswordPayload& at = payload(i);
    if (!at.import.empty()) {
      const bool first = w_.clock.now() - at.importedAt < w_.importFirstLook;
      const Milliseconds pause = first ? w_.importFirstLook : w_.importLook;
      return Verdict::retry({Code::kBusy, "its import is under way", pause});
    }
    // Automations have no bulk call.
    if (hasOpenAutomations(at)) {
      return Verdict::retry({Code::kBusy, "automations are started singly", Milliseconds{0}});
    }
    return endOf(at);
  }

  activecampaign::Call call() const { return w_.call(Lane::kPassword, stop_); }

  const Workshop& w_;
  std::vector<Job>& jobs_;
  const StopFlag& stop_;
  const ClientPool::Lease client_;
  std::vector<Item> items_;
  SteadyInstant renewedAt_ = w_.clock.steady();
  int issued_ = 0;
  int left_ = 0;
  bool broken_ = false;  // a commit failed: the jobs here are ahead of the store
};

}  // namespace

bool joinsPasswordBatch(const Job& job, Instant now) {
  const auto payload = members::readPasswordPayload(job.payload);
  if (!payload || !payload->contactId || payload->singly) return false;
  if (!payload->import.empty() && job.dueAt > now) return false;
  return !payload->confirmed || hasOpenTags(*payload);
}

std::vector<Verdict> runPasswordBatch(const Workshop& workshop, std::vector<Job>& jobs,
                                      const StopFlag& stop) {
  return PasswordBatch(workshop, jobs, stop).run();
}

}  // namespace mbr::sync
