#include <algorithm>
#include <utility>

#include "sync/job_handlers.h"

namespace mbr::sync {
namespace {

using members::ChangePayload;
using outbox::Verdict;
using Item = ChangePayload::Item;

// Carries the items out one by one. Every request here may be repeated without harm, so a job that
// is run again starts over with the items that are still open.
class ChangeRun {
 public:
  ChangeRun(const Workshop& workshop, Job& job, ChangePayload change, const StopFlag& stop)
      : w_(workshop),
        job_(job),
        change_(std::move(change)),
        stop_(stop),
        client_(workshop.clients.lease()) {}

  Verdict run() {
    std::stable_sort(change_.items.begin(), change_.items.end(), [](const Item& a, const Item& b) {
      return a.action == Item::Action::kRemove && b.action == Item::Action::kAdd;
    });
    if (const Outcome resolved = resolveNames(); !resolved) return Verdict::retry(resolved.error());
    for (Item& item : change_.items) {
      if (item.result != Item::Result::kOpen) continue;
      if (stop_.raised()) return Verdict::retry({Code::kBusy, "stopping", Milliseconds{0}});
      const Outcome done = item.action == Item::Action::kAdd ? add(item) : remove(item);
      if (!done) return Verdict::retry(done.error());
      if (const Outcome saved = save(item); !saved) return Verdict::retry(saved.error());
    }
    std::string results = members::renderResults(change_);
    if (!members::anyUnknownOrRefused(change_)) return Verdict::done(std::move(results));
    return Verdict::refused(std::move(results), "ActiveCampaign did not take all of it");
  }

 private:
  activecampaign::Call call() const { return w_.call(job_.lane, stop_); }

  // Names to ids. An unknown name may be new in ActiveCampaign: the directories are fetched once.
  Outcome resolveNames() {
    if (!lookUp()) {
      if (const Outcome got = w_.reader.fetchDirectories(*client_, call()); !got) return got;
      lookUp();
    }
    for (Item& item : change_.items) {
      if (item.id != 0 || item.result != Item::Result::kOpen) continue;
      if (!change_.createMissing || item.action == Item::Action::kRemove) {
        item.result = Item::Result::kUnknown;
        item.detail = "no tag has this name";
        continue;
      }
      const auto created = client_->createTag(call(), item.name);
      if (!created) {
        if (const Outcome judged = judge(item, created.error()); !judged) return judged;
        continue;
      }
      item.id = *created;
      if (const Outcome got = w_.reader.fetchDirectories(*client_, call()); !got) return got;
    }
    return Done{};
  }

  bool lookUp() {
    const auto names = w_.directories.names();
    bool all = true;
    for (Item& item : change_.items) {
      if (item.id == 0) item.id = names->tagId(item.name).value_or(0);
      if (item.id != 0 && item.name.empty()) item.name = names->tagName(item.id);
      all = all && item.id != 0;
    }
    return all;
  }

  Outcome add(Item& item) {
    const Outcome added = client_->addTag(call(), change_.contactId, item.id);
    if (!added) return judge(item, added.error());
    item.result = Item::Result::kApplied;
    return Done{};
  }

  Outcome remove(Item& item) {
    const auto tags = client_->listContactTags(call(), change_.contactId);
    if (!tags) return judge(item, tags.error());
    item.result = Item::Result::kAlready;
    for (const auto& association : *tags) {
      if (association.tag != item.id) continue;
      const Outcome removed = client_->removeTagAssociation(call(), association.id);
      if (!removed) return judge(item, removed.error());
      item.result = Item::Result::kApplied;
    }
    return Done{};
  }

  // What ActiveCampaign says no to ends the item; anything else is worth another try.
  Outcome judge(Item& item, const Error& error) {
    switch (error.code) {
      case Code::kNotFound:
        item.result = Item::Result::kUnknown;
        break;
      case Code::kInvalid:
      case Code::kConflict:
        item.result = Item::Result::kRefused;
        break;
      default:
        return error;
    }
    item.detail = error.detail;
    return Done{};
  }

  // The item's result and what readers see of it, in one commit.
  Outcome save(const Item& item) {
    job_.payload = members::write(change_);
    const bool ours =
        item.result == Item::Result::kApplied || item.result == Item::Result::kAlready;
    std::vector<TagId> added;
    std::vector<TagId> removed;
    if (ours) (item.action == Item::Action::kAdd ? added : removed).push_back(item.id);
    return w_.dispatcher.checkpoint(job_, [this, added, removed](store::Transaction& tx) {
      w_.updater.applyOwnTags(tx, change_.contactId, added, removed);
    });
  }

  const Workshop& w_;
  Job& job_;
  ChangePayload change_;
  const StopFlag& stop_;
  const ClientPool::Lease client_;
};

}  // namespace

Verdict runChangeJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  auto change = members::readChangePayload(job.payload);
  if (!change) return Verdict::dead(change.error().detail);
  return ChangeRun(workshop, job, std::move(*change), stop).run();
}

}  // namespace mbr::sync
