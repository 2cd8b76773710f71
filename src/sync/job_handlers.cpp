#include "sync/job_handlers.h"

#include <map>

#include "sync/password_batch.h"

namespace mbr::sync {

using outbox::Verdict;

namespace {

constexpr int kRefreshesFrom = 10;

}  // namespace

void registerJobHandlers(outbox::Dispatcher& dispatcher, const Workshop& workshop) {
  const auto add = [&](std::string_view kind, auto run) {
    dispatcher.handle(std::string(kind), [&workshop, run](Job& job, const StopFlag& stop) {
      return run(workshop, job, stop);
    });
  };
  add(members::kPasswordJob, &runPasswordJob);
  add(members::kFollowUpJob, &runFollowUpJob);
  add(members::kChangeJob, &runChangeJob);
  add(members::kLastLoginJob, &runChangeJob);
  add(members::kRefreshJob, &runRefreshJob);
  add(members::kDirectoriesJob, &runDirectoriesJob);
  add(members::kLinkTokenJob, &runLinkTokenJob);
  add(members::kTagsJob, &runTagsJob);
  add(members::kWipeJob, &runWipeJob);

  const auto addBatch = [&](std::string_view kind, int least, int most, auto joins, auto run) {
    dispatcher.handleTogether(
        std::string(kind),
        {least, most, joins, [&workshop, run](std::vector<Job>& jobs, const StopFlag& stop) {
           return run(workshop, jobs, stop);
         }});
  };
  addBatch(members::kPasswordJob, workshop.bulkFrom, kPasswordBatch, &joinsPasswordBatch,
           &runPasswordBatch);
  addBatch(members::kRefreshJob, kRefreshesFrom, activecampaign::kPageSize, &joinsRefreshBatch,
           &runRefreshBatch);
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
    workshop.updater.applyRead(tx, read->snapshot, read->goneId);
    return Done{};
  });
  if (!stored) return Verdict::retry(stored.error());
  return Verdict::done();
}

bool joinsRefreshBatch(const Job& job, Instant /*now*/) {
  const auto payload = members::readWhoPayload(job.payload);
  return payload && payload->contactId && !payload->singly;
}

std::vector<Verdict> runRefreshBatch(const Workshop& workshop, std::vector<Job>& jobs,
                                     const StopFlag& stop) {
  std::vector<ContactId> ids;
  for (const Job& job : jobs) ids.push_back(*members::readWhoPayload(job.payload)->contactId);
  const auto client = workshop.clients.lease();
  const auto page = workshop.reader.readMany(*client, ids, workshop.call(jobs.front().lane, stop));
  if (!page) return {jobs.size(), Verdict::retry(page.error())};

  std::map<ContactId, const ContactSnapshot*> shown;
  for (const ContactSnapshot& snapshot : page->contacts) {
    if (snapshot.tags && snapshot.fields && snapshot.lists) shown[snapshot.id] = &snapshot;
  }
  std::vector<Verdict> verdicts;
  for (const ContactId id : ids) {
    const auto found = shown.find(id);
    // One that is missing may be deleted, merged, or not asked for after all.
    verdicts.push_back(
        found == shown.end()
            ? Verdict::retry({Code::kBusy, "read singly", Milliseconds{0}})
            : Verdict::done({}, [&workshop, snapshot = *found->second](store::Transaction& tx) {
                workshop.updater.applySnapshot(tx, snapshot);
              }));
  }
  const Outcome stored =
      workshop.dispatcher.checkpointAll(jobs, [&](store::Transaction&, Job& job) {
        const auto i = static_cast<std::size_t>(&job - jobs.data());
        if (shown.count(ids[i]) > 0) return false;
        auto payload = members::readWhoPayload(job.payload);
        payload->singly = true;
        job.payload = members::write(*payload);
        return true;
      });
  if (!stored) return {jobs.size(), Verdict::retry(stored.error())};
  return verdicts;
}

Verdict runTagsJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  const auto client = workshop.clients.lease();
  const Outcome fetched = workshop.reader.fetchDirectory(*client, store::Directory::kTags,
                                                         workshop.call(job.lane, stop));
  return fetched ? Verdict::done() : Verdict::retry(fetched.error());
}

Verdict runDirectoriesJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  const auto client = workshop.clients.lease();
  const auto call = workshop.call(job.lane, stop);
  const Outcome fetched = workshop.reader.fetchDirectories(*client, call);
  if (!fetched) return Verdict::retry(fetched.error());
  const auto field = workshop.reader.passwordField(*client, call);
  if (!field) return Verdict::retry(field.error());
  if (workshop.reader.linkTokens() != nullptr) {
    const auto tokens = workshop.reader.linkTokenField(*client, call);
    if (!tokens) return Verdict::retry(tokens.error());
  }
  return Verdict::done();
}

}  // namespace mbr::sync
