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
      auto payload = members::readPasswordPayload(job.payload);
      if (!payload) {
        items_.push_back({nullptr, Verdict::dead(payload.error().detail), {}, {}});
        continue;
      }
      items_.push_back(
          {std::make_unique<PasswordWork>(workshop, job, std::move(*payload)), {}, {}, {}});
    }
  }

  std::vector<Verdict> run() {
    if (const Outcome done = passwords(); !done) postpone(done.error());
    if (const Outcome done = tags(); !done) postpone(done.error());
    // Without their mark they would be in the next batch again.
    if (left_ > 0) (void)checkpoint([](store::Transaction&, std::size_t) { return true; });
    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; i < items_.size(); ++i) verdicts.push_back(verdictOf(i));
    return verdicts;
  }

 private:
  // A job on its way. Whoever has a verdict is through.
  struct Item {
    std::unique_ptr<PasswordWork> work;
    std::optional<Verdict> verdict;
    std::string email;  // as the newest read shows it
    std::string batch;  // the import it is in
  };
  using Indexes = std::vector<std::size_t>;

  // --- passwords -----------------------------------------------------------------------------

  Outcome passwords() {
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
    const Outcome read = readBack(unconfirmed(), judge, [&](std::size_t i) {
      leaveOthers(i, "the page did not show the contact or its password field");
    });
    if (!read) return read;

    const Outcome sent = import(toWrite, [&](std::size_t i) {
      ImportRow row;
      row.email = items_[i].email;
      row.fields.emplace_back(*field, items_[i].work->password());
      return row;
    });
    if (!sent) return sent;
    return confirm(toWrite);
  }

  // Reads back what the imports wrote, until all is there or patience ends: first after a moment,
  // then only those whose import is said to have ended.
  Outcome confirm(Indexes waiting) {
    const SteadyInstant patience = w_.clock.steady() + w_.importPatience;
    bool first = true;
    for (waiting = open(waiting); !waiting.empty(); first = false) {
      const Outcome waited = wait(first ? w_.importFirstLook : w_.importLook);
      if (!waited) return waited;
      Result<Indexes> toRead = waiting;
      if (!first) toRead = imported(waiting);
      if (!toRead) return toRead.error();
      Indexes empty;
      const auto take = [&](store::Transaction& tx, std::size_t i,
                            const ContactSnapshot& snapshot) {
        if (snapshot.password->empty()) return empty.push_back(i);
        items_[i].work->confirm(tx, snapshot.id, *snapshot.password);
        ++issued_;
      };
      const Outcome read = readBack(
          *toRead, take, [&](std::size_t i) { leaveOthers(i, "it could not be read back"); });
      if (!read) return read;
      for (const std::size_t i : first ? Indexes{} : empty) {
        leaveOthers(i, "the import left the field empty");
      }
      const bool late = w_.clock.steady() >= patience;
      for (const std::size_t i : late ? unconfirmed() : Indexes{}) {
        leaveOthers(i, "the import did not end in time");
      }
      waiting = unconfirmed();
    }
    if (issued_ > 0) ops::logInfo("passwords_issued", {{"contacts", issued_}});
    return Done{};
  }

  // Those whose import has ended with them; whom it left out goes singly.
  Result<Indexes> imported(const Indexes& waiting) {
    std::map<std::string, activecampaign::ImportInfo> known;
    Indexes ended;
    for (const std::size_t i : waiting) {
      const std::string& batch = items_[i].batch;
      if (known.count(batch) == 0) {
        const auto info = client_->readImport(call(), batch);
        if (!info && info.error().code != Code::kNotFound) return info.error();
        known[batch] = info ? *info : activecampaign::ImportInfo{true, {}, {}};
      }
      const auto& info = known[batch];
      if (!info.completed) continue;
      const ContactId id = *items_[i].work->payload().contactId;
      if (std::find(info.success.begin(), info.success.end(), id) != info.success.end()) {
        ended.push_back(i);
      } else {
        leaveOthers(i, "the importer skipped the contact");
      }
    }
    return ended;
  }

  // --- tags ----------------------------------------------------------------------------------

  Outcome tags() {
    Indexes wanting;
    for (const std::size_t i : open(all())) {
      if (items_[i].work->payload().confirmed && hasOpenTags(items_[i].work->payload())) {
        wanting.push_back(i);
      }
    }
    if (wanting.empty()) return Done{};
    if (const Outcome fresh = freshNames(); !fresh) return fresh;
    const auto names = w_.directories.names();
    // Jobs that were confirmed by an earlier run have not been read by this one.
    Indexes unread;
    for (const std::size_t i : wanting) {
      if (items_[i].email.empty()) unread.push_back(i);
    }
    const Outcome read = readBack(
        unread, [](store::Transaction&, std::size_t, const ContactSnapshot&) {},
        [&](std::size_t i) { leaveOthers(i, "the page did not show the contact"); });
    if (!read) return read;

    for (const std::size_t i : open(wanting)) {
      for (const Step& step : items_[i].work->payload().steps) {
        if (step.kind == Step::Kind::kTag && isOpen(step) && names->tagName(step.id).empty()) {
          leaveOthers(i, "a tag of it has no name here");
        }
      }
    }
    wanting = open(wanting);
    const Outcome sent = import(wanting, [&](std::size_t i) {
      ImportRow row;
      row.email = items_[i].email;
      for (const Step& step : items_[i].work->payload().steps) {
        if (step.kind == Step::Kind::kTag && isOpen(step)) {
          row.tags.emplace_back(names->tagName(step.id));
        }
      }
      return row;
    });
    if (!sent) return sent;
    return confirmTags(open(wanting));
  }

  Outcome confirmTags(Indexes waiting) {
    const SteadyInstant patience = w_.clock.steady() + w_.importPatience;
    Milliseconds pause = w_.importFirstLook;
    while (!waiting.empty()) {
      if (const Outcome waited = wait(pause); !waited) return waited;
      pause = w_.importLook;
      std::set<std::string> batches;
      for (const std::size_t i : waiting) batches.insert(items_[i].batch);
      for (const std::string& batch : batches) {
        const auto info = client_->readImport(call(), batch);
        if (!info && info.error().code != Code::kNotFound) return info.error();
        if (info && !info->completed) continue;
        const Outcome taken = takeTags(waiting, batch, info ? info->success : Ids{});
        if (!taken) return taken;
      }
      waiting = open(waiting);
      waiting.erase(
          std::remove_if(waiting.begin(), waiting.end(),
                         [&](std::size_t i) { return !hasOpenTags(items_[i].work->payload()); }),
          waiting.end());
      if (w_.clock.steady() < patience) continue;
      for (const std::size_t i : waiting) leaveOthers(i, "the import of tags did not end in time");
      break;
    }
    return Done{};
  }

  using Ids = std::vector<ContactId>;

  // An import has ended: whom it names has its tags.
  Outcome takeTags(const Indexes& waiting, const std::string& batch, const Ids& success) {
    const std::set<ContactId> done(success.begin(), success.end());
    std::set<std::size_t> tagged;
    for (const std::size_t i : waiting) {
      if (items_[i].batch != batch) continue;
      if (done.count(*items_[i].work->payload().contactId) > 0) {
        tagged.insert(i);
      } else {
        leaveOthers(i, "the importer skipped the contact's tags");
      }
    }
    return checkpoint([&](store::Transaction& tx, std::size_t i) {
      if (tagged.count(i) == 0) return false;
      const auto added = items_[i].work->tagsApplied();
      w_.updater.applyOwnTags(tx, *items_[i].work->payload().contactId, added, {});
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
  // whoever is not shown with all its parts goes to `other`.
  template <class Take, class Other>
  Outcome readBack(const Indexes& which, Take take, Other other) {
    for (std::size_t from = 0; from < which.size(); from += activecampaign::kPageSize) {
      const std::size_t to = std::min(which.size(), from + activecampaign::kPageSize);
      std::map<ContactId, std::size_t> wanted;
      for (std::size_t k = from; k < to; ++k) {
        wanted[*items_[which[k]].work->payload().contactId] = which[k];
      }
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
        if (shown.count(each.second) == 0) other(each.second);
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
      for (std::size_t k = from; k < to; ++k) items_[rows[k]].batch = *batch;
      ops::counter("membergate_imports_total", "Bulk imports sent to ActiveCampaign.").add();
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
    }
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

  Indexes all() const {
    Indexes which(items_.size());
    for (std::size_t i = 0; i < which.size(); ++i) which[i] = i;
    return which;
  }
  Indexes open(const Indexes& which) const {
    Indexes left;
    for (const std::size_t i : which) {
      if (!items_[i].verdict) left.push_back(i);
    }
    return left;
  }
  Indexes unconfirmed() const {
    Indexes left;
    for (const std::size_t i : open(all())) {
      if (!items_[i].work->payload().confirmed) left.push_back(i);
    }
    return left;
  }

  void leaveOthers(std::size_t i, const std::string& reason) {
    if (items_[i].verdict) return;
    items_[i].work->leaveOthers();
    items_[i].verdict = Verdict::retry({Code::kBusy, reason, Milliseconds{0}});
    ++left_;
  }

  void postpone(const Error& error) {
    for (const std::size_t i : open(all())) {
      if (!isThrough(i)) items_[i].verdict = Verdict::retry(error);
    }
  }

  bool isThrough(std::size_t i) const {
    const PasswordPayload& payload = items_[i].work->payload();
    return payload.confirmed && std::none_of(payload.steps.begin(), payload.steps.end(), isOpen);
  }

  Verdict verdictOf(std::size_t i) {
    Item& item = items_[i];
    if (item.verdict) return std::move(*item.verdict);
    const PasswordPayload& payload = item.work->payload();
    // Automations have no bulk call.
    if (hasOpenAutomations(payload)) {
      return Verdict::retry({Code::kBusy, "automations are started singly", Milliseconds{0}});
    }
    return endOf(payload);
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
};

}  // namespace

bool joinsPasswordBatch(const Job& job) {
  const auto payload = members::readPasswordPayload(job.payload);
  if (!payload || !payload->contactId || payload->singly) return false;
  return !payload->confirmed || hasOpenTags(*payload);
}

std::vector<Verdict> runPasswordBatch(const Workshop& workshop, std::vector<Job>& jobs,
                                      const StopFlag& stop) {
  return PasswordBatch(workshop, jobs, stop).run();
}

}  // namespace mbr::sync
