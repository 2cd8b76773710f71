#include "sync/contact_reader.h"

#include <algorithm>
#include <utility>

#include "base/time_format.h"
#include "members/job_payload.h"
#include "ops/log.h"

namespace mbr::sync {

ClientPool::ClientPool(TransportFactory connect, activecampaign::RateBudget& budget,
                       activecampaign::Breaker& breaker, activecampaign::Features& features,
                       const Clock& clock, const RightOfWay* loginsFirst)
    : connect_(std::move(connect)),
      budget_(budget),
      breaker_(breaker),
      features_(features),
      clock_(clock),
      loginsFirst_(loginsFirst) {}

ClientPool::Lease ClientPool::lease() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      Lease lease(*this, std::move(idle_.back()));
      idle_.pop_back();
      return lease;
    }
  }
  auto transport = connect_();
  activecampaign::Client client(*transport, budget_, breaker_, features_, clock_, loginsFirst_);
  return Lease(*this, std::make_unique<Lease::Worker>(Lease::Worker{std::move(transport), client}));
}

ClientPool::Lease::Lease(ClientPool& pool, std::unique_ptr<Worker> worker)
    : pool_(&pool), worker_(std::move(worker)) {}

ClientPool::Lease::~Lease() {
  if (!worker_) return;
  const std::lock_guard lock(pool_->mutex_);
  pool_->idle_.push_back(std::move(worker_));
}

ContactReader::ContactReader(store::Store& store, const contacts::Directories& directories,
                             Options options)
    : store_(store), directories_(directories), options_(std::move(options)) {}

Result<ContactReader::Read> ContactReader::read(activecampaign::Client& client,
                                                const contacts::Who& who,
                                                const activecampaign::Call& call,
                                                UnknownField unknown) const {
  if (!directories_.names()->fieldId(options_.passwordField)) {
    if (const Outcome fetched = fetchFields(client, call); !fetched) return fetched.error();
  }
  Read read;
  if (who.id) {
    auto byId = readOne(client, who, true, call, unknown, read.namesIncomplete);
    if (!byId) return byId.error();
    read.snapshot = std::move(*byId);
    if (read.snapshot) return read;
    read.goneId = who.id;
  }
  if (who.email) {
    auto byEmail = readOne(client, who, false, call, unknown, read.namesIncomplete);
    if (!byEmail) return byEmail.error();
    read.snapshot = std::move(*byEmail);
  }
  return read;
}

Result<std::optional<ContactSnapshot>> ContactReader::readOne(activecampaign::Client& client,
                                                              const contacts::Who& who, bool byId,
                                                              const activecampaign::Call& call,
                                                              UnknownField unknown,
                                                              bool& namesIncomplete) const {
  const View view = viewOf(unknown);
  auto answer = byId ? client.readContact(call, *who.id, view.fields)
                     : client.readContactByEmail(call, *who.email, view.fields);
  if (!answer) return answer.error();
  if (!*answer) return std::optional<ContactSnapshot>();
  noteForeign(*view.foreign);
  activecampaign::ContactRead& found = **answer;
  namesIncomplete = namesIncomplete || found.unknownNames;
  finish(call, view, found.snapshot);
  return std::optional<ContactSnapshot>(std::move(found.snapshot));
}

ContactReader::View ContactReader::viewOf(UnknownField unknown) const {
  View view;
  view.names = directories_.names();
  view.fields.nameOf = [this, unknown, names = view.names,
                        foreign = view.foreign](FieldId id) -> std::optional<std::string> {
    if (auto name = names->perstag(id)) return name;
    if (unknown == UnknownField::kMayBePassword && !isForeign(id)) return std::nullopt;
    foreign->push_back(id);
    return "";  // a name that no field has, and a hidden one
  };
  view.fields.hidden = options_.hiddenFields;
  view.fields.hidden.insert("");
  if (linkTokens() != nullptr) view.fields.hidden.erase(options_.linkTokens->field());
  view.fields.passwordField = options_.passwordField;
  return view;
}

void ContactReader::finish(const activecampaign::Call& call, const View& view,
                           ContactSnapshot& snapshot) const {
  // Without the field's id no value can be told to be the password's.
  if (!view.names->fieldId(options_.passwordField)) snapshot.password.reset();
  learnTags(call, *view.names, snapshot);
  if (!snapshot.fields || linkTokens() == nullptr) return;
  const std::string& field = options_.linkTokens->field();
  if (view.names->fieldId(field)) snapshot.fields->try_emplace(field);
  options_.linkTokens->conceal(snapshot.id, *snapshot.fields);
}

// A tag that is new in the account has no name here: the tags are fetched, once for it.
void ContactReader::learnTags(const activecampaign::Call& call, const contacts::Names& names,
                              const ContactSnapshot& snapshot) const {
  if (!snapshot.tags || !names.complete()) return;
  bool ask = false;
  {
    const std::lock_guard lock(foreignMutex_);
    for (const TagId tag : *snapshot.tags) {
      ask = (names.tagName(tag).empty() && askedTags_.insert(tag).second) || ask;
    }
  }
  if (!ask) return;
  (void)save(call, [](store::Transaction& tx) { members::enqueueTags(tx); });
}

Result<ContactReader::Page> ContactReader::readPage(activecampaign::Client& client,
                                                    const activecampaign::PageQuery& query,
                                                    const activecampaign::Call& call) const {
  return readPages(client, call, [&](const activecampaign::FieldView& view) {
    return client.readPage(call, query, view);
  });
}

Result<ContactReader::Page> ContactReader::readMany(activecampaign::Client& client,
                                                    const std::vector<ContactId>& ids,
                                                    const activecampaign::Call& call) const {
  return readPages(client, call, [&](const activecampaign::FieldView& view) {
    return client.readContacts(call, ids, view);
  });
}

Result<ContactReader::Page> ContactReader::readPages(activecampaign::Client& client,
                                                     const activecampaign::Call& call,
                                                     const Ask& ask) const {
  Page page;
  if (!directories_.names()->fieldId(options_.passwordField)) {
    if (const Outcome fetched = fetchFields(client, call); !fetched) return fetched.error();
    ++page.calls;
  }
  View view = viewOf(UnknownField::kMayBePassword);
  auto answer = ask(view.fields);
  if (!answer) return answer.error();
  const auto& rows = answer->contacts;
  if (std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.unknownNames; })) {
    if (const Outcome fetched = fetchDirectories(client, call); !fetched) return fetched.error();
    view = viewOf(UnknownField::kForeign);
    answer = ask(view.fields);
    if (!answer) return answer.error();
    page.calls += 5;
  }
  noteForeign(*view.foreign);
  page.remaining = answer->remaining;
  for (activecampaign::ContactRead& row : answer->contacts) {
    finish(call, view, row.snapshot);
    page.contacts.push_back(std::move(row.snapshot));
  }
  return page;
}

bool ContactReader::isForeign(FieldId id) const {
  const std::lock_guard lock(foreignMutex_);
  return foreign_.count(id) > 0;
}

void ContactReader::noteForeign(const std::vector<FieldId>& ids) const {
  const std::lock_guard lock(foreignMutex_);
  foreign_.insert(ids.begin(), ids.end());
}

Result<FieldId> ContactReader::passwordField(activecampaign::Client& client,
                                             const activecampaign::Call& call) const {
  return ownField(client, call, options_.passwordField, "Membership password");
}

Result<FieldId> ContactReader::linkTokenField(activecampaign::Client& client,
                                              const activecampaign::Call& call) const {
  return ownField(client, call, options_.linkTokens->field(), "Token of login links");
}

Result<FieldId> ContactReader::ownField(activecampaign::Client& client,
                                        const activecampaign::Call& call,
                                        const std::string& perstag,
                                        const std::string& description) const {
  const auto known = [&] { return directories_.names()->fieldId(perstag); };
  if (const auto id = known()) return *id;
  const std::lock_guard lock(fieldMutex_);
  if (const auto id = known()) return *id;
  if (const Outcome fetched = fetchFields(client, call); !fetched) return fetched.error();
  if (const auto id = known()) return *id;
  const auto created = client.createTextField(call, perstag, description);
  if (!created) return created.error();
  ops::logInfo("field_created", {{"field_id", *created}, {"perstag", perstag}});
  if (const Outcome fetched = fetchFields(client, call); !fetched) return fetched.error();
  return *created;
}

Outcome ContactReader::save(const activecampaign::Call& call,
                            const std::function<void(store::Transaction&)>& change) const {
  const auto work = [&change](store::Transaction& tx) -> Outcome {
    change(tx);
    return Done{};
  };
  return isForPeople(call.lane) ? store_.writeAhead(work) : store_.write(work);
}

Outcome ContactReader::fetchFields(activecampaign::Client& client,
                                   const activecampaign::Call& call) const {
  const auto fields = client.listFields(call);
  if (!fields) return fields.error();
  return save(call, [&](store::Transaction& tx) { tx.saveFields(*fields); });
}

Outcome ContactReader::fetchDirectory(activecampaign::Client& client, store::Directory directory,
                                      const activecampaign::Call& call) const {
  const auto rows = [&] {
    switch (directory) {
      case store::Directory::kAutomations:
        return client.listAutomations(call);
      case store::Directory::kLists:
        return client.listLists(call);
      case store::Directory::kTags:
        break;
    }
    return client.listTags(call);
  }();
  if (!rows) return rows.error();
  return save(call, [&](store::Transaction& tx) { tx.saveDirectory(directory, *rows); });
}

bool ContactReader::hides(const std::string& perstag) const {
  return perstag == options_.passwordField || options_.hiddenFields.count(perstag) > 0;
}

Outcome ContactReader::fetchDirectories(activecampaign::Client& client,
                                        const activecampaign::Call& call) const {
  const auto tags = client.listTags(call);
  if (!tags) return tags.error();
  const auto fields = client.listFields(call);
  if (!fields) return fields.error();
  const auto automations = client.listAutomations(call);
  if (!automations) return automations.error();
  const auto lists = client.listLists(call);
  if (!lists) return lists.error();
  return save(call, [&](store::Transaction& tx) {
    tx.saveDirectory(store::Directory::kTags, *tags);
    tx.saveDirectory(store::Directory::kAutomations, *automations);
    tx.saveDirectory(store::Directory::kLists, *lists);
    tx.saveFields(*fields);
    tx.setMeta(contacts::kDirectoriesFetched, formatRfc3339(tx.now()));
  });
}

}  // namespace mbr::sync
