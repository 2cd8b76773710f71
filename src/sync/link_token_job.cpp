#include "sync/job_handlers.h"

#include "members/link_tokens.h"

namespace mbr::sync {

using outbox::Verdict;

// The token is made of the job's id, so a run whose answer was lost writes the same again.
Verdict runLinkTokenJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  if (workshop.reader.linkTokens() == nullptr) return Verdict::done();  // not any more
  if (!job.contactId) return Verdict::dead("names no contact");
  const members::LinkTokens& tokens = *workshop.reader.linkTokens();
  const ContactId id = *job.contactId;
  bool due = false;
  const Outcome looked = workshop.store.read([&](store::Reader& reader) -> Outcome {
    const auto contact = reader.findContact(id);
    due = contact && !contact->deletedAt && !tokens.isKnown(*contact) &&
          reader.findCredential(id).has_value();
    return Done{};
  });
  if (!looked) return Verdict::retry(looked.error());
  if (!due) return Verdict::done();

  const auto client = workshop.clients.lease();
  const auto call = workshop.call(job.lane, stop);
  const auto field = workshop.reader.linkTokenField(*client, call);
  if (!field) return Verdict::retry(field.error());
  const Secret token = tokens.make(id, job.id);
  activecampaign::ContactWrite write;
  write.fields[*field] = token.reveal();
  const auto written = client->writeContact(call, id, write);
  wipe(write.fields[*field]);
  if (!written) {
    const Error& error = written.error();
    const bool forGood = error.code == Code::kNotFound || error.code == Code::kInvalid ||
                         error.code == Code::kConflict;
    return forGood ? Verdict::refused({}, error.detail) : Verdict::retry(error);
  }
  return Verdict::done({}, [&tokens, id, token](store::Transaction& tx) {
    members::saveLinkToken(tx, tokens, id, token);
  });
}

}  // namespace mbr::sync
