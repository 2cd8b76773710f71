// ActiveCampaign's API v3, call by call.
//
// Every call waits for its turn in the account's budget, passes the breaker, is looked at twice if
// it is answered 401 or 403 (good keys see one now and then), and reads its answer strictly: what
// cannot be understood is kUnavailable, never "empty" and never "not there".
//
// Errors of all calls:
//   kUnavailable  no answer, 5xx, 503, HTML or nothing where JSON is due, deadline passed
//   kBusy         the budget is spent, or 429; with `retryAfter`
//   kDenied       401, 402, 403: the key or its rights (Breaker::account() tells which it is)
//   kNotFound     404: ActiveCampaign says that the contact, tag, … does not exist
//   kInvalid      400, 422: refused; the detail holds ActiveCampaign's words, made safe
//   kConflict     422: it exists already (an e-mail, a title)
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "activecampaign/exchange.h"
#include "activecampaign/features.h"
#include "activecampaign/types.h"
#include "base/json.h"
#include "base/result.h"
#include "store/records.h"

namespace mbr::activecampaign {

// One thread at a time: one for each worker. What it is given must outlive it; budget, breaker and
// features are shared by all clients.
class Client {
 public:
  // `loginsFirst`: what answers that nobody waits for give way to before they are read; null:
  // nothing.
  Client(Transport& transport, RateBudget& budget, Breaker& breaker, Features& features,
         const Clock& clock, const RightOfWay* loginsFirst = nullptr);

  // Everything about one contact, as of the first request's sending: 1 call where the account
  // honours `include`, else 2 by id and 3 by e-mail. Nothing: ActiveCampaign has no such contact.
  // By e-mail, only a contact whose normalised e-mail equals the wanted one is an answer.
  Result<std::optional<ContactRead>> readContact(const Call& call, ContactId id,
                                                 const FieldView& view);
  Result<std::optional<ContactRead>> readContactByEmail(const Call& call, const Email& email,
                                                        const FieldView& view);

  // One page of the account's contacts. kUnavailable also if the page cannot be what was asked for:
  // ids not ascending or not above `after` (the account ignores id_greater), a row that is no
  // contact. An empty page alone is no proof of the end.
  Result<ContactPage> readPage(const Call& call, const PageQuery& query, const FieldView& view);
  // The contacts of these ids, at most kPageSize of them. Contacts that were not asked for are left
  // out, so that one which is missing says nothing if the account ignores `ids[]`: read it singly.
  Result<ContactPage> readContacts(const Call& call, const std::vector<ContactId>& ids,
                                   const FieldView& view);

  // Queues an import of at most kImportSize contacts and answers with the batch's id. Not harmless
  // to repeat unless the rows are. kBusy also if the importer's own limit is reached (with
  // `retryAfter`); kInvalid if ActiveCampaign takes none of it.
  Result<std::string> importContacts(const Call& call, const std::vector<ImportRow>& rows);
  // How many contacts wait in imports that are not completed, of everyone in the account.
  Result<std::int64_t> countOutstandingImports(const Call& call);
  // kNotFound: no such batch.
  Result<ImportInfo> readImport(const Call& call, const std::string& batch);

  // Never logged: the URLs hold codes. All of them, whoever made them.
  Result<std::vector<Webhook>> listWebhooks(const Call& call);
  Result<std::int64_t> createWebhook(const Call& call, const Webhook& webhook);  // the new id
  Outcome updateWebhook(const Call& call, const Webhook& webhook);
  Outcome deleteWebhook(const Call& call, std::int64_t id);  // success also if it is gone

  // Sets the field and answers with the value that ActiveCampaign's answer shows; nothing if it
  // shows none, and the caller has to read back.
  Result<std::optional<Secret>> writePassword(const Call& call, ContactId id, FieldId field,
                                              const Secret& password);
  Result<std::optional<Secret>> clearField(const Call& call, ContactId id, FieldId field);

  // Makes a contact, which needs an e-mail, and answers with its id. kConflict: the e-mail is
  // taken.
  Result<ContactId> createContact(const Call& call, const ContactWrite& write);
  // The values of `write.fields` that the answer shows. kConflict: the e-mail is taken.
  Result<std::map<FieldId, std::string>> writeContact(const Call& call, ContactId id,
                                                      const ContactWrite& write);

  // False if the contact had the tag. kNotFound: no such contact or tag.
  Result<bool> addTag(const Call& call, ContactId contact, TagId tag);
  Result<std::vector<TagAssociation>> listContactTags(const Call& call, ContactId contact);
  // Success also if it is gone.
  Outcome removeTagAssociation(const Call& call, std::int64_t association);

  // Starts the automation; not harmless to repeat. A refusal for good is an answer, not an error.
  Result<EntryAnswer> enterAutomation(const Call& call, ContactId contact, AutomationId automation);
  Result<std::vector<AutomationEntry>> listContactAutomations(const Call& call, ContactId contact);
  // Takes the contact out of where that entry has brought it. Success also if it is gone.
  Outcome removeAutomationEntry(const Call& call, std::int64_t entry);

  Result<std::vector<ListMembership>> listContactLists(const Call& call, ContactId contact);
  // `status` 1 subscribed, 2 unsubscribed. `again`: subscribe one who had unsubscribed.
  // kNotFound: no such contact or list.
  Outcome setListStatus(const Call& call, ContactId contact, ListId list, int status, bool again);

  // The whole directory, 100 a page, or an error.
  Result<std::vector<store::NamedId>> listTags(const Call& call);
  Result<std::vector<store::NamedId>> listAutomations(const Call& call);
  Result<std::vector<store::NamedId>> listLists(const Call& call);
  Result<std::vector<store::FieldRecord>> listFields(const Call& call);
  // Whether the field has a relation, without which ActiveCampaign's pages do not show it.
  Result<bool> isFieldShown(const Call& call, FieldId field);

  // The tag's id, also if it exists by now. Names are compared exactly.
  Result<TagId> createTag(const Call& call, const std::string& name);
  // A text field for all lists, usable in ActiveCampaign's pages; also if it exists by now.
  Result<FieldId> createTextField(const Call& call, const std::string& perstag,
                                  const std::string& description);

  // Whose key it is: the check that it works.
  Result<ApiUser> whoAmI(const Call& call);

 private:
  Result<std::optional<ContactRead>> complete(const Call& call, ContactRead read,
                                              const FieldView& view);
  Result<ContactPage> askPage(const Call& call, Request request, const FieldView& view);
  Result<Reply> sendContact(const Call& call, Request request, const ContactWrite& write);
  Result<Reply> putContact(const Call& call, ContactId id, const ContactWrite& write);
  Result<Reply> sendWebhook(const Call& call, Request request, const Webhook& webhook);
  Result<std::vector<json::Value>> listRows(const Call& call, const std::string& path,
                                            const std::string& key);
  Result<std::vector<store::NamedId>> listNames(const Call& call, const std::string& path,
                                                const std::string& key, const std::string& name);
  Outcome relateField(const Call& call, FieldId field);
  Outcome remove(const Call& call, std::string path);  // success also if it is gone

  Exchange exchange_;
  Features& features_;
};

}  // namespace mbr::activecampaign
