#include "members/change_intake.h"

#include <memory>
#include <utility>

namespace mbr::members {
namespace {

std::optional<ChangeIntake::Earlier> earlierOf(store::Reader& reader,
                                               const ChangeIntake::Once& once, Instant now) {
  const auto record = reader.findIdempotency(once.apiKeyId, once.key);
  if (!record || now - record->createdAt >= kRepeatable) return std::nullopt;
  auto job = reader.findJob(record->jobId);
  if (!job) return std::nullopt;
  return ChangeIntake::Earlier{record->request == once.request, std::move(*job)};
}

Job jobOf(const ChangePayload& change, Instant now) {
  Job job;
  job.kind = kChangeJob;
  job.lane = Lane::kSite;
  if (change.contactId != 0) job.contactId = change.contactId;
  job.payload = write(change);
  job.createdAt = now;
  job.dueAt = now;
  return job;
}

}  // namespace

ChangeIntake::ChangeIntake(store::Store& store, const Clock& clock,
                           std::function<void()> onEnqueued, const Tombstones* tombstones)
    : store_(store), clock_(clock), onEnqueued_(std::move(onEnqueued)), tombstones_(tombstones) {}

Result<std::optional<ChangeIntake::Earlier>> ChangeIntake::findEarlier(const Once& once) const {
  std::optional<Earlier> found;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    found = earlierOf(reader, once, clock_.now());
    return Done{};
  });
  if (!read) return read.error();
  return found;
}

void ChangeIntake::submit(ChangePayload change, std::optional<Once> once, DoneFn done) const {
  struct Pending {
    ChangePayload change;
    std::optional<Once> once;
    DoneFn done;
    Taken taken;
  };
  const auto pending =
      std::make_shared<Pending>(Pending{std::move(change), std::move(once), std::move(done), {}});
  store_.submit(
      [this, pending](store::Transaction& tx) -> Outcome {
        const auto& asked = pending->once;
        // Two that came at the same time meet here.
        if (asked) pending->taken.earlier = earlierOf(tx, *asked, clock_.now());
        if (pending->taken.earlier) return Done{};
        const auto email = Email::parse(pending->change.email);
        if (tombstones_ != nullptr && pending->change.contactId == 0 && email) {
          tombstones_->lift(tx, *email);
        }
        pending->taken.job = tx.addJob(jobOf(pending->change, clock_.now()));
        if (asked) {
          tx.saveIdempotency(
              {asked->apiKeyId, asked->key, asked->request, pending->taken.job, clock_.now()});
        }
        return Done{};
      },
      [this, pending](const Outcome& outcome) {
        if (!outcome) return pending->done(outcome.error());
        if (!pending->taken.earlier) onEnqueued_();
        pending->done(std::move(pending->taken));
      });
}

}  // namespace mbr::members
