// Reads one contact from ActiveCampaign, sure of what it knows and does not know.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "activecampaign/client.h"
#include "base/result.h"
#include "contacts/directories.h"
#include "contacts/source.h"
#include "domain/contact.h"
#include "members/link_tokens.h"
#include "store/store.h"

namespace mbr::sync {

// Lends each thread a client of its own; a returned one keeps its connection open for the next.
// Thread-safe.
class ClientPool {
 public:
  using TransportFactory = std::function<std::unique_ptr<activecampaign::Transport>()>;

  // All of them must outlive the pool; budget, breaker and features are shared by all clients.
  // `loginsFirst` as of Client.
  ClientPool(TransportFactory connect, activecampaign::RateBudget& budget,
             activecampaign::Breaker& breaker, activecampaign::Features& features,
             const Clock& clock, const RightOfWay* loginsFirst = nullptr);

  // A client for one thread, until the lease goes. Must not outlive the pool.
  class Lease {
   public:
    ~Lease();
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    activecampaign::Client& operator*() const { return worker_->client; }
    activecampaign::Client* operator->() const { return &worker_->client; }

   private:
    friend class ClientPool;
    struct Worker {
      std::unique_ptr<activecampaign::Transport> transport;
      activecampaign::Client client;
    };
    Lease(ClientPool& pool, std::unique_ptr<Worker> worker);

    ClientPool* pool_;
    std::unique_ptr<Worker> worker_;
  };
  Lease lease();

 private:
  const TransportFactory connect_;
  activecampaign::RateBudget& budget_;
  activecampaign::Breaker& breaker_;
  activecampaign::Features& features_;
  const Clock& clock_;
  const RightOfWay* const loginsFirst_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lease::Worker>> idle_;  // guarded by mutex_
};

// Thread-safe.
class ContactReader {
 public:
  struct Options {
    std::string passwordField = "PASSWORD";             // personalization tag
    std::set<std::string> hiddenFields = {"PASSWORD"};  // dropped, upper-case
    // The token of a login link is concealed, though hidden; empty if the field is there and holds
    // none. May be null; must outlive the reader.
    const members::LinkTokens* linkTokens = nullptr;
  };
  struct Read {
    std::optional<ContactSnapshot> snapshot;  // none: ActiveCampaign has no such contact
    std::optional<ContactId> goneId;          // asked for by id, and no longer there under it
    bool namesIncomplete = false;             // the answer names fields we do not know
  };

  // All of them must outlive the reader.
  ContactReader(store::Store& store, const contacts::Directories& directories, Options options);

  // What a value of a field means that the directory does not know.
  enum class UnknownField {
    kMayBePassword,  // then a snapshot without a seen password says nothing about it
    kForeign,        // for a directory that was fetched just now: it is dropped
  };

  // By id; if ActiveCampaign has it no longer, by e-mail; with an e-mail only, by that. The field
  // directory is fetched first if the password field is not in it, because without it an unknown
  // value could be read as an empty password. Errors: the client's.
  Result<Read> read(activecampaign::Client& client, const contacts::Who& who,
                    const activecampaign::Call& call,
                    UnknownField unknown = UnknownField::kMayBePassword) const;

  // Many contacts at once. A part of a snapshot that the account did not send along is absent, and
  // so is the contact's password then. Where the answer names fields that are unknown here, the
  // directories are fetched and it is read again.
  struct Page {
    std::vector<ContactSnapshot> contacts;  // by id, ascending
    std::optional<std::int64_t> remaining;  // what ActiveCampaign says there is, these included
    int calls = 1;                          // requests that it took
  };
  Result<Page> readPage(activecampaign::Client& client, const activecampaign::PageQuery& query,
                        const activecampaign::Call& call) const;
  // Of one that is missing in the answer nothing is known: read it singly.
  Result<Page> readMany(activecampaign::Client& client, const std::vector<ContactId>& ids,
                        const activecampaign::Call& call) const;

  // The password field's id; created in ActiveCampaign, with its relation, when it is missing.
  Result<FieldId> passwordField(activecampaign::Client& client,
                                const activecampaign::Call& call) const;
  // The same for the field of the link tokens, which must be wanted.
  Result<FieldId> linkTokenField(activecampaign::Client& client,
                                 const activecampaign::Call& call) const;
  // Null if links carry no token.
  const members::LinkTokens* linkTokens() const {
    const auto* tokens = options_.linkTokens;
    return tokens != nullptr && tokens->wanted() ? tokens : nullptr;
  }

  // Fetches all directories into the store.
  Outcome fetchDirectories(activecampaign::Client& client, const activecampaign::Call& call) const;
  // One of them.
  Outcome fetchDirectory(activecampaign::Client& client, store::Directory directory,
                         const activecampaign::Call& call) const;
  Outcome fetchFields(activecampaign::Client& client, const activecampaign::Call& call) const;

  // Whether the field is never stored nor shown; `perstag` is upper-case.
  bool hides(const std::string& perstag) const;

 private:
  Result<FieldId> ownField(activecampaign::Client& client, const activecampaign::Call& call,
                           const std::string& perstag, const std::string& description) const;
  // What one reading needs: how fields are called, and which of them turned out to be foreign.
  struct View {
    std::shared_ptr<const contacts::Names> names;
    std::shared_ptr<std::vector<FieldId>> foreign = std::make_shared<std::vector<FieldId>>();
    activecampaign::FieldView fields;
  };
  View viewOf(UnknownField unknown) const;
  void finish(const activecampaign::Call& call, const View& view, ContactSnapshot& snapshot) const;
  using Ask = std::function<Result<activecampaign::ContactPage>(const activecampaign::FieldView&)>;
  Result<Page> readPages(activecampaign::Client& client, const activecampaign::Call& call,
                         const Ask& ask) const;
  bool isForeign(FieldId id) const;
  void noteForeign(const std::vector<FieldId>& ids) const;
  void learnTags(const activecampaign::Call& call, const contacts::Names& names,
                 const ContactSnapshot& snapshot) const;
  // Ahead of others if somebody waits for the call.
  Outcome save(const activecampaign::Call& call,
               const std::function<void(store::Transaction&)>& change) const;
  Result<std::optional<ContactSnapshot>> readOne(activecampaign::Client& client,
                                                 const contacts::Who& who, bool byId,
                                                 const activecampaign::Call& call,
                                                 UnknownField unknown, bool& namesIncomplete) const;

  store::Store& store_;
  const contacts::Directories& directories_;
  const Options options_;
  mutable std::mutex fieldMutex_;  // one creates the field, the others find it
  // Ids that answers name and a directory fetched afterwards did not: of deleted fields, or of
  // those this API user may not see. Looked up once and not at every read.
  mutable std::mutex foreignMutex_;
  mutable std::set<FieldId> foreign_;  // guarded by foreignMutex_
  // Tags without a name here that the directories were asked for already.
  mutable std::set<TagId> askedTags_;  // guarded by foreignMutex_
};

}  // namespace mbr::sync
