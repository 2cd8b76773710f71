// What the jobs that members enqueues say: the contract between members, which commits them with
// their cause, and sync, which carries them out. Payloads are JSON and hold no secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/job.h"
#include "members/password_rule.h"
#include "store/store.h"

namespace mbr::members {

// Job kinds.
inline constexpr std::string_view kPasswordJob = "password";        // PasswordPayload
inline constexpr std::string_view kFollowUpJob = "follow_up";       // PasswordPayload, no password
inline constexpr std::string_view kRefreshJob = "refresh";          // WhoPayload
inline constexpr std::string_view kChangeJob = "change";            // ChangePayload
inline constexpr std::string_view kLastLoginJob = "last_login";     // ChangePayload
inline constexpr std::string_view kDirectoriesJob = "directories";  // {}: all of them
inline constexpr std::string_view kTagsJob = "tag_names";           // {}: the tags alone

// One thing to apply to a contact, and how far it got.
struct Step {
  enum class Kind { kTag, kAutomation };
  enum class State { kOpen, kStarted, kApplied, kRefused };
  Kind kind = Kind::kTag;
  std::int64_t id = 0;
  State state = State::kOpen;
  Instant startedAt{};  // automations: committed before the request is sent
  std::string detail;   // why it was refused; safe to show
};

// `who`: the id, or the e-mail where the webhook named no id.
struct PasswordPayload {
  std::optional<ContactId> contactId;
  std::string email;
  bool autoregister = true;  // false: no local credential
  bool hasDefault = false;   // Job::sealed holds the webhook's default_pass, sealed for contact 0
  bool issued = false;       // Job::sealed holds what goes to ActiveCampaign, for the contact
  bool confirmed = false;    // ActiveCampaign has it; Job::sealed is wiped
  bool byRule = false;       // nobody asked but PasswordRule: the steps follow an issued one only
  bool singly = false;       // not to go with others: the bulk way did not take it
  // What somebody asked for by the API, beyond "a password, if there is none".
  enum class Wish {
    kNone,
    kReplace,  // a new one, whatever ActiveCampaign holds
    kChosen,   // Job::sealed holds a chosen text, in force already; it replaces what is there
    kCleared,  // a chosen text is in force here alone; the field is emptied
    kLink,     // a new link to set one, whatever ActiveCampaign holds
  };
  Wish wish = Wish::kNone;
  std::string import;        // the import that carries the password, or once it is there the tags
  Instant importedAt{};      // when it was sent
  bool lookedAfter = false;  // and that the contact was looked at since
  std::vector<Step> steps;   // tags first, then automations
};

struct WhoPayload {
  std::optional<ContactId> contactId;
  std::string email;
  Instant askedAt{};    // news that no row shows came then; a read sent before does not do
  bool singly = false;  // not to go with others
};

// A change the site asked for. Removals come first.
struct ChangePayload {
  struct Item {
    enum class Kind { kTag, kAutomation, kList, kField };
    enum class Action { kRemove, kAdd, kSet };  // kSet: fields
    enum class Result { kOpen, kStarted, kApplied, kAlready, kUnknown, kRefused };
    Kind kind = Kind::kTag;
    Action action = Action::kAdd;
    std::int64_t id = 0;  // 0 until a name is resolved, and for the members of a contact
    // Of a field: its personalization tag, upper-case, or one of the members below.
    std::string name{};
    Result result = Result::kOpen;
    std::string detail{};
    std::string value{};  // of a field; wiped once the item has ended
    // What is not harmless to repeat is kStarted in a commit before the request is sent.
    Instant startedAt{};
  };
  ContactId contactId = 0;     // 0: whoever has `email`
  std::string email{};         // of a contact to be found, or made
  bool created = false;        // it was made
  bool emailTaken = false;     // another contact has the e-mail that was to be set
  bool createMissing = false;  // make tags whose name is unknown
  std::vector<Item> items{};
};

// The members of a contact that are set like fields, by the names of the API.
inline constexpr std::string_view kEmailMember = "email";
inline constexpr std::string_view kFirstNameMember = "first_name";
inline constexpr std::string_view kLastNameMember = "last_name";
inline constexpr std::string_view kPhoneMember = "phone";
// True for a field that is one of them, and not a custom one.
bool isMember(const ChangePayload::Item& item);

std::string write(const PasswordPayload& payload);
std::string write(const WhoPayload& payload);
std::string write(const ChangePayload& payload);
// Errors: kInternal, for text that this program did not write.
Result<PasswordPayload> readPasswordPayload(std::string_view text);
Result<WhoPayload> readWhoPayload(std::string_view text);
Result<ChangePayload> readChangePayload(std::string_view text);

// PasswordPayload::confirmed of a text that write() made, without reading all of it.
bool isConfirmed(std::string_view passwordPayload);

// The API's `results` of a change: [{kind,id,name,action,result,detail}].
std::string renderResults(const ChangePayload& payload);
bool anyUnknownOrRefused(const ChangePayload& payload);

// The steps of a follow-up: tags first, then automations, each once.
std::vector<Step> stepsOf(const std::vector<TagId>& tags,
                          const std::vector<AutomationId>& automations);
// The same tags and automations, whatever became of them.
bool sameSteps(const std::vector<Step>& a, const std::vector<Step>& b);

// True if the password job does these steps, or there are none to do.
bool holdsSteps(const Job& job, const std::vector<Step>& steps);
bool holdsSteps(store::Reader& reader, JobId id, const std::vector<Step>& steps);

// The key that keeps one open job of a kind per contact.
std::string contactKey(const std::optional<ContactId>& contact, const std::string& email);

// And one open follow-up per contact and steps.
std::string followUpKey(const PasswordPayload& payload);

// Adds the steps as a job of their own that waits for the password job `after` (0: for none);
// nothing is added if the same is open already (`*added` tells).
JobId enqueueFollowUp(store::Transaction& tx, JobId after, const PasswordPayload& payload,
                      bool* added = nullptr);

// One refresh per contact, however many ask for it. It waits a moment, so that a burst about one
// contact becomes one read with the newest data.
// `who.askedAt` is set by the caller if the contact's row does not tell that it changed. `*added`
// tells whether it is a new job.
inline constexpr Milliseconds kRefreshDelay{250};
JobId enqueueRefresh(store::Transaction& tx, const WhoPayload& who, Lane lane = Lane::kRefresh,
                     bool* added = nullptr);
// A read of the contact that was sent at `sentAt` has been applied: ends the refresh that waits for
// such a read, if one does.
void satisfyRefresh(store::Transaction& tx, ContactId contact, Instant sentAt);

// What PasswordRule gives a contact that it covers.
PasswordPayload byRule(const PasswordRule& rule, ContactId contact, const std::string& email);

// The contact's password job; an open one stays as it is (`*added` tells).
JobId enqueuePassword(store::Transaction& tx, const PasswordPayload& payload, std::string sealed,
                      bool* added = nullptr);
// One of its own, in the lane of what somebody waits for. `key`: of the jobs that it may be taken
// for, or "".
JobId addPasswordJob(store::Transaction& tx, const PasswordPayload& payload, std::string sealed,
                     std::string key);
JobId enqueueDirectories(store::Transaction& tx);
JobId enqueueTags(store::Transaction& tx);

}  // namespace mbr::members
