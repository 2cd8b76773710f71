// The password of one job, whichever way it goes to ActiveCampaign.
#pragma once

#include <vector>

#include "base/secret.h"
#include "domain/contact.h"
#include "domain/job.h"
#include "members/job_payload.h"
#include "store/store.h"
#include "sync/job_handlers.h"

namespace mbr::sync {

// Decides what a fresh read means, and what is made of the text that came back. Everything that it
// changes in the job is to be committed by the caller in the transaction it was called in.
class PasswordWork {
 public:
  // Both must outlive this.
  PasswordWork(const Workshop& workshop, Job& job, members::PasswordPayload payload);

  enum class Next {
    kWrite,      // password() is to be written
    kClear,      // the field is to be emptied
    kSettled,    // ActiveCampaign has one, or none is due
    kReadAgain,  // the credential changed while it was read
  };
  // Takes the read in, which must show the password field.
  Next judge(store::Transaction& tx, const ContactSnapshot& snapshot);

  // ActiveCampaign holds `text` now. If it is not what was written, somebody else's stays.
  void confirm(store::Transaction& tx, ContactId contact, const Secret& text);

  // The same after kClear.
  void confirmEmpty(store::Transaction& tx);

  const members::PasswordPayload& payload() const { return payload_; }
  const Secret& password() const { return password_; }
  bool matches(const Secret& text) const;

  // Marks the open tags as applied and names them; the import that carried them is through.
  std::vector<TagId> tagsApplied();

  // What is due of this job is in that import; see PasswordPayload.
  void sent(const std::string& import);
  void lookedAfter();

  // To go singly from now on.
  void leaveOthers();

 private:
  Next judgeFresh(store::Transaction& tx, const ContactSnapshot& snapshot);
  Next judgeIssued(store::Transaction& tx, const ContactSnapshot& snapshot);
  void takeOther(store::Transaction& tx, ContactId contact, const Secret& text);
  bool isOutdated(store::Reader& reader, ContactId contact) const;
  void settle();
  void endImport();
  void save() { job_->payload = members::write(payload_); }

  const Workshop* w_;
  Job* job_;
  members::PasswordPayload payload_;
  Secret password_;  // what this job issued, once it is known
};

}  // namespace mbr::sync
