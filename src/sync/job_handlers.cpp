#include "sync/job_handlers.h"

namespace mbr::sync {

using outbox::Verdict;

void registerJobHandlers(outbox::Dispatcher& dispatcher, const Workshop& workshop) {
  const auto add = [&](std::string_view kind, auto run) {
    dispatcher.handle(std::string(kind), [&workshop, run](Job& job, const StopFlag& stop) {
      return run(workshop, job, stop);
    });
  };
  add(members::kPasswordJob, &runPasswordJob);
  add(members::kFollowUpJob, &runFollowUpJob);
  add(members::kChangeJob, &runChangeJob);
  add(members::kRefreshJob, &runRefreshJob);
  add(members::kDirectoriesJob, &runDirectoriesJob);
}

Verdict runRefreshJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  const auto payload = members::readWhoPayload(job.payload);
  if (!payload) return Verdict::dead(payload.error().detail);
  contacts::Who who;
  who.id = payload->contactId;
  who.email = Email::parse(payload->email);
  if (!who.id && !who.email) return Verdict::dead("names no contact");
  if (who.id && !who.email) {
    // Without an e-mail a merged contact would pass for a deleted one.
    const Outcome looked = workshop.store.read([&](store::Reader& reader) -> Outcome {
      if (const auto contact = reader.findContact(*who.id)) who.email = contact->email;
      return Done{};
    });
    if (!looked) return Verdict::retry(looked.error());
  }
  const auto client = workshop.clients.lease();
  auto read = workshop.reader.read(*client, who, workshop.call(job.lane, stop));
  if (read && read->namesIncomplete) {
    // A field is new in ActiveCampaign: what it is called must be known before its value is kept.
    const auto call = workshop.call(job.lane, stop);
    const Outcome fetched = workshop.reader.fetchDirectories(*client, call);
    if (!fetched) return Verdict::retry(fetched.error());
    read = workshop.reader.read(*client, who, call, ContactReader::UnknownField::kForeign);
  }
  if (!read) return Verdict::retry(read.error());

  // If the contact changed since the request was sent, the snapshot says less than what is known;
  // applySnapshot() queues another refresh then, and this one has done its work.
  const Outcome stored = workshop.store.write([&](store::Transaction& tx) -> Outcome {
    if (read->goneId) workshop.updater.markDeleted(tx, *read->goneId);
    if (read->snapshot) workshop.updater.applySnapshot(tx, *read->snapshot);
    return Done{};
  });
  if (!stored) return Verdict::retry(stored.error());
  return Verdict::done();
}

Verdict runDirectoriesJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  const auto client = workshop.clients.lease();
  const auto call = workshop.call(job.lane, stop);
  const Outcome fetched = workshop.reader.fetchDirectories(*client, call);
  if (!fetched) return Verdict::retry(fetched.error());
  const auto field = workshop.reader.passwordField(*client, call);
  if (!field) return Verdict::retry(field.error());
  return Verdict::done();
}

}  // namespace mbr::sync
