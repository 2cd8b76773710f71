#include <algorithm>
#include <utility>

#include "members/own_write.h"
#include "sync/change_names.h"
#include "sync/steps.h"

namespace mbr::sync {
namespace {

using members::ChangePayload;
using members::OwnWrite;
using outbox::Verdict;
using Item = ChangePayload::Item;

constexpr int kSubscribed = 1;
constexpr int kUnsubscribed = 2;

bool isOpen(const Item& item) {
  return item.result == Item::Result::kOpen || item.result == Item::Result::kStarted;
}

bool isField(const Item& item) { return item.kind == Item::Kind::kField; }

bool isOpenField(const Item& item) { return isField(item) && isOpen(item); }

bool isEmail(const Item& item) {
  return members::isMember(item) && item.name == members::kEmailMember;
}

// What the open fields ask for.
activecampaign::ContactWrite writeOf(const std::vector<Item>& items) {
  activecampaign::ContactWrite write;
  for (const Item& item : items) {
    if (!isOpenField(item)) continue;
    if (!members::isMember(item)) {
      write.fields[item.id] = item.value;
    } else if (item.name == members::kEmailMember) {
      write.email = Email::parse(item.value);
    } else if (item.name == members::kFirstNameMember) {
      write.firstName = item.value;
    } else if (item.name == members::kLastNameMember) {
      write.lastName = item.value;
    } else {
      write.phone = item.value;
    }
  }
  return write;
}

// Whether the contact has what the item asks for.
bool holds(const ContactSnapshot& snapshot, const Item& item) {
  if (!members::isMember(item)) {
    if (!snapshot.fields) return false;
    const auto found = snapshot.fields->find(item.name);
    return found == snapshot.fields->end() ? item.value.empty() : found->second == item.value;
  }
  if (item.name == members::kEmailMember) {
    return snapshot.email && snapshot.email->text() == item.value;
  }
  if (item.name == members::kFirstNameMember) return snapshot.firstName == item.value;
  if (item.name == members::kLastNameMember) return snapshot.lastName == item.value;
  return snapshot.phone == item.value;
}

// Carries the items out. What is done is committed before the next request, so a job that is run
// again starts over with what is still open; all but automations may be repeated without harm.
class ChangeRun {
 public:
  ChangeRun(const Workshop& workshop, Job& job, ChangePayload change, const StopFlag& stop)
      : w_(workshop),
        job_(job),
        change_(std::move(change)),
        stop_(stop),
        client_(workshop.clients.lease()) {}

  Verdict run() {
    if (const Outcome done = carryOut(); !done) return Verdict::retry(done.error());
    job_.payload = members::write(change_);
    std::string results = members::renderResults(change_);
    if (!members::anyUnknownOrRefused(change_)) return Verdict::done(std::move(results));
    return Verdict::refused(std::move(results), "ActiveCampaign did not take all of it");
  }

 private:
  using Action = Item::Action;
  using State = Item::Result;

  activecampaign::Call call() const { return w_.call(job_.lane, stop_); }

  // Errors: worth another try; here and below.
  Outcome carryOut() {
    std::stable_sort(change_.items.begin(), change_.items.end(), [](const Item& a, const Item& b) {
      return a.action == Action::kRemove && b.action != Action::kRemove;
    });
    if (const Outcome named = resolveNames(
            w_, *client_, [this] { return call(); }, change_);
        !named) {
      return named;
    }
    if (change_.contactId == 0) {
      if (const Outcome settled = settleContact(); !settled) return settled;
    }
    if (change_.created) {
      if (const Outcome stored = storeFresh({change_.contactId, std::nullopt}); !stored) {
        return stored;
      }
    }
    if (const Outcome removed = runAll(Action::kRemove); !removed) return removed;
    if (const Outcome written = writeFields(); !written) return written;
    return runAll(Action::kAdd);
  }

  Outcome runAll(Action action) {
    for (Item& item : change_.items) {
      if (item.action != action || !isOpen(item)) continue;
      if (stop_.raised()) return Error{Code::kBusy, "stopping", Milliseconds{0}};
      if (const Outcome done = run(item); !done) return done;
    }
    return Done{};
  }

  Outcome run(Item& item) {
    const bool adds = item.action == Action::kAdd;
    switch (item.kind) {
      case Item::Kind::kAutomation:
        return adds ? enter(item) : leave(item);
      case Item::Kind::kList:
        return setList(item, adds ? kSubscribed : kUnsubscribed);
      case Item::Kind::kTag:
        return adds ? addTag(item) : removeTag(item);
      case Item::Kind::kField:
        break;  // writeFields() takes them together
    }
    return Done{};
  }

  // --- the contact itself ---------------------------------------------------------------------

  // Finds the contact by its e-mail, or makes it. Once it has an id, that is what the job goes by.
  Outcome settleContact() {
    const auto email = Email::parse(change_.email);
    if (!email) return refuseAll({Code::kInvalid, "the e-mail is not valid"});
    const bool begun = isBegun();
    auto found = find(*email);
    if (!found) return found.error();
    if (*found) return adopt(**found, begun);
    for (Item& item : change_.items) {
      if (isEmail(item)) item.result = State::kStarted;
    }
    if (!begun) {
      if (const Outcome saved = save(); !saved) return saved;
    }
    ContactId made = 0;
    const Outcome sent = sendFields([&](const activecampaign::ContactWrite& write) -> Outcome {
      const auto created = client_->createContact(call(), write);
      if (!created) return created.error();
      made = *created;
      return Done{};
    });
    if (sent) return adoptNew(made);
    if (sent.error().code != Code::kConflict) return refuseAll(sent.error());
    // Somebody was faster, or the answer to an earlier try was lost.
    found = find(*email);
    if (!found) return found.error();
    if (*found) return adopt(**found, begun);
    if (begun) return Error{Code::kUnavailable, "the new contact is not to be seen yet"};
    return refuseAll(sent.error());
  }

  // A try before this one sent the contact, and its answer may have been lost.
  bool isBegun() const {
    return std::any_of(change_.items.begin(), change_.items.end(), [](const Item& item) {
      return isEmail(item) && item.result == State::kStarted;
    });
  }

  Result<std::optional<ContactSnapshot>> find(const Email& email) {
    auto read = w_.reader.read(*client_, {std::nullopt, email}, call());
    if (!read) return read.error();
    namesIncomplete_ = read->namesIncomplete;
    return std::move(read->snapshot);
  }

  // What the contact has already need not be written.
  Outcome adopt(const ContactSnapshot& snapshot, bool created) {
    change_.contactId = snapshot.id;
    change_.email.clear();
    change_.created = created;
    for (Item& item : change_.items) {
      if (isOpenField(item) && holds(snapshot, item)) {
        end(item, created ? State::kApplied : State::kAlready);
      }
    }
    return store(snapshot);
  }

  Outcome adoptNew(ContactId made) {
    change_.contactId = made;
    change_.email.clear();
    change_.created = true;
    for (Item& item : change_.items) {
      if (isOpenField(item)) end(item, State::kApplied);
    }
    return save();
  }

  Outcome storeFresh(const contacts::Who& who) {
    const auto read = w_.reader.read(*client_, who, call());
    if (!read) return read.error();
    if (!read->snapshot) return Error{Code::kUnavailable, "the new contact is not to be seen yet"};
    namesIncomplete_ = read->namesIncomplete;
    return store(*read->snapshot);
  }

  Outcome store(const ContactSnapshot& snapshot) {
    return checkpoint([this, &snapshot](store::Transaction& tx) {
      w_.updater.applySnapshot(tx, snapshot);
      if (namesIncomplete_) members::enqueueRefresh(tx, {snapshot.id, ""});
    });
  }

  // Without a contact nothing can be done.
  Outcome refuseAll(const Error& error) {
    for (Item& item : change_.items) {
      if (!isOpen(item)) continue;
      if (const Outcome judged = judge(item, error); !judged) return judged;
    }
    change_.email.clear();
    return save();
  }

  // --- fields -----------------------------------------------------------------------------------

  // All of them in one request: ActiveCampaign takes them together or not at all.
  Outcome writeFields() {
    if (std::none_of(change_.items.begin(), change_.items.end(), isOpenField)) return Done{};
    std::map<FieldId, std::string> shown;
    const Outcome sent = sendFields([&](const activecampaign::ContactWrite& write) -> Outcome {
      auto answer = client_->writeContact(call(), change_.contactId, write);
      if (!answer) return answer.error();
      shown = std::move(*answer);
      return Done{};
    });
    OwnWrite own;
    if (sent) {
      own = takenFields(shown);
    } else if (const Outcome refused = refuseFields(sent.error()); !refused) {
      return refused;
    }
    return save(own);
  }

  // Sends what is open. ActiveCampaign refuses all of it for one field that was deleted there.
  Outcome sendFields(const std::function<Outcome(const activecampaign::ContactWrite&)>& send) {
    Outcome sent = send(writeOf(change_.items));
    if (sent || sent.error().code != Code::kInvalid || writeOf(change_.items).fields.empty()) {
      return sent;
    }
    const Outcome got = w_.reader.fetchFields(*client_, call());
    if (!got) return Error{Code::kUnavailable, got.error().detail, got.error().retryAfter};
    const auto names = w_.directories.names();
    bool gone = false;
    for (Item& item : change_.items) {
      if (!isOpenField(item) || members::isMember(item) || names->perstag(item.id)) continue;
      item.detail = "no field has this name";
      end(item, State::kUnknown);
      gone = true;
    }
    return gone ? send(writeOf(change_.items)) : sent;
  }

  OwnWrite takenFields(const std::map<FieldId, std::string>& shown) {
    const auto write = writeOf(change_.items);
    OwnWrite own{write.email, write.firstName, write.lastName, write.phone, {}, {}};
    for (Item& item : change_.items) {
      if (!isOpenField(item)) continue;
      if (!members::isMember(item)) {
        // As ActiveCampaign writes it, so that the next read finds nothing new.
        const auto echo = shown.find(item.id);
        own.fields[item.name] = echo == shown.end() ? item.value : echo->second;
      }
      end(item, State::kApplied);
    }
    return own;
  }

  Outcome refuseFields(const Error& error) {
    const bool taken = error.code == Code::kConflict && writeOf(change_.items).email.has_value();
    for (Item& item : change_.items) {
      if (!isOpenField(item)) continue;
      const bool other = taken && !isEmail(item);
      if (const Outcome judged = judge(item, error); !judged) return judged;
      if (taken) item.detail = "another contact has this e-mail";
      if (other) item.detail = "not set, since another contact has the e-mail";
    }
    change_.emailTaken = taken;
    return Done{};
  }

  static void end(Item& item, State result) {
    item.result = result;
    item.value.clear();
  }

  // --- tags, automations, lists -----------------------------------------------------------------

  Outcome addTag(Item& item) {
    const auto added = client_->addTag(call(), change_.contactId, item.id);
    if (!added) return judgeAndSave(item, added.error());
    item.result = *added ? State::kApplied : State::kAlready;
    return saveTag({item.id}, {});
  }

  Outcome removeTag(Item& item) {
    const auto tags = client_->listContactTags(call(), change_.contactId);
    if (!tags) return judgeAndSave(item, tags.error());
    item.result = State::kAlready;
    for (const auto& association : *tags) {
      if (association.tag != item.id) continue;
      const Outcome removed = client_->removeTagAssociation(call(), association.id);
      if (!removed) return judgeAndSave(item, removed.error());
      item.result = State::kApplied;
    }
    return saveTag({}, {item.id});
  }

  // As in steps.cpp: the start is on disk before the request, and an entry found started is looked
  // up before it is sent again.
  Outcome enter(Item& item) {
    if (item.result == State::kStarted) {
      const auto there = hasEntered(*client_, change_.contactId, item.id, item.startedAt, call());
      if (!there) return judgeAndSave(item, there.error());
      if (*there) {
        item.result = State::kApplied;
        return save();
      }
    } else {
      item.result = State::kStarted;
      item.startedAt = w_.clock.now();
      if (const Outcome saved = save(); !saved) return saved;
    }
    const auto entered = client_->enterAutomation(call(), change_.contactId, item.id);
    if (!entered) return judgeAndSave(item, entered.error());
    item.result = entered->entered ? State::kApplied : State::kRefused;
    item.detail = entered->words;
    return save();
  }

  Outcome leave(Item& item) {
    const auto entries = client_->listContactAutomations(call(), change_.contactId);
    if (!entries) return judgeAndSave(item, entries.error());
    item.result = State::kAlready;
    for (const auto& entry : *entries) {
      if (entry.automation != item.id || entry.ended) continue;
      const Outcome removed = client_->removeAutomationEntry(call(), entry.id);
      if (!removed) return judgeAndSave(item, removed.error());
      item.result = State::kApplied;
    }
    return save();
  }

  Outcome setList(Item& item, int status) {
    if (!lists_) {
      auto read = client_->listContactLists(call(), change_.contactId);
      if (!read) return judgeAndSave(item, read.error());
      lists_ = std::move(*read);
    }
    const auto known = std::find_if(lists_->begin(), lists_->end(), [&](const auto& membership) {
      return membership.id == item.id;
    });
    // Who was never on the list is not put there to be taken off it.
    const bool wasThere = known != lists_->end();
    item.result = State::kAlready;
    if (!wasThere && status == kUnsubscribed) return save();
    if (!wasThere || known->status != status) {
      // That the site asks for it says that the contact does, even if it had unsubscribed.
      const bool again = wasThere && known->status == kUnsubscribed;
      const Outcome set = client_->setListStatus(call(), change_.contactId, item.id, status, again);
      if (!set) return judgeAndSave(item, set.error());
      item.result = State::kApplied;
      if (wasThere) known->status = status;
      if (!wasThere) lists_->push_back({item.id, status});
    }
    OwnWrite own;
    own.lists = {{item.id, status}};
    return save(own);
  }

  // --- what is kept -----------------------------------------------------------------------------

  Outcome judgeAndSave(Item& item, const Error& error) {
    if (const Outcome judged = judge(item, error); !judged) return judged;
    return save();
  }

  // The results and what readers see of them, in one commit.
  Outcome checkpoint(Verdict::Effects also) {
    job_.payload = members::write(change_);
    return w_.dispatcher.checkpoint(job_, std::move(also));
  }

  Outcome save(const OwnWrite& own = {}) {
    return checkpoint([this, &own](store::Transaction& tx) {
      members::applyOwnWrite(tx, change_.contactId, own, w_.clock.now());
    });
  }

  Outcome saveTag(const std::vector<TagId>& added, const std::vector<TagId>& removed) {
    return checkpoint([&](store::Transaction& tx) {
      w_.updater.applyOwnTags(tx, change_.contactId, added, removed);
    });
  }

  const Workshop& w_;
  Job& job_;
  ChangePayload change_;
  const StopFlag& stop_;
  const ClientPool::Lease client_;
  bool namesIncomplete_ = false;  // the last read named fields that are unknown here
  std::optional<std::vector<ListMembership>> lists_;  // the contact's, once they were read
};

}  // namespace

Verdict runChangeJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  auto change = members::readChangePayload(job.payload);
  if (!change) return Verdict::dead(change.error().detail);
  return ChangeRun(workshop, job, std::move(*change), stop).run();
}

}  // namespace mbr::sync
