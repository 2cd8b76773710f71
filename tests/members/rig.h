// What the tests of members and sync stand on: the real store, caches told by its commits, and
// password tools that are cheap.
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "contacts/contact_cache.h"
#include "contacts/directories.h"
#include "members/contact_updater.h"
#include "members/job_payload.h"
#include "members/password_issuer.h"
#include "members/password_links.h"
#include "passwords/generator.h"
#include "passwords/hasher.h"
#include "passwords/sealer.h"
#include "passwords/temp_key_ring.h"
#include "support/failing_store.h"
#include "support/fake_clock.h"
#include "support/seeded_random.h"
#include "support/test_store.h"

namespace mbr::test {

inline Email email(std::string_view text) {
  const auto parsed = Email::parse(text);
  CPPUNIT_ASSERT_MESSAGE(std::string(text), parsed.has_value());
  return *parsed;
}

// The longest a test waits for what another thread does.
inline constexpr std::chrono::seconds kPatience{20};

template <class T>
T resultOf(std::future<T>& future) {
  CPPUNIT_ASSERT_MESSAGE("nobody answered",
                         future.wait_for(kPatience) == std::future_status::ready);
  return future.get();
}

class MembersRig {
 public:
  static constexpr std::chrono::hours kWipeAfter{24};

  explicit MembersRig(PasswordPolicy policy = PasswordPolicy::kKeep)
      : issuer(generator, hasher, sealer, clock, {policy, kWipeAfter, &links}),
        updater(issuer, clock, {}) {
    store.subscribe([this](const std::vector<store::Change>& changes) {
      for (const store::Change& change : changes) {
        if (change.kind == store::ChangeKind::kDirectory) directories.invalidate();
      }
      cache.invalidate(changes);
      {
        const std::lock_guard lock(mutex_);
        ++changes_;
        if (listener_) listener_(changes);
      }
      changed_.notify_all();
    });
  }
  // The writer goes before those whom it tells.
  virtual ~MembersRig() { database.reset(); }
  MembersRig(const MembersRig&) = delete;
  MembersRig& operator=(const MembersRig&) = delete;

  FakeClock clock;
  SeededRandom random;
  std::unique_ptr<TestStore> database = std::make_unique<TestStore>(clock);
  FailingStore store{*database};
  const passwords::KeyRing keys = keyRing();
  contacts::Directories directories{store};
  contacts::ContactCache cache{store, directories, {}};
  passwords::Generator generator{{}, random};
  passwords::Hasher hasher{keys, random, {8192, 1}};
  passwords::Sealer sealer{keys, random};
  const members::PasswordLinks links{keys, random, {"https://www.example.com"}};
  members::PasswordIssuer issuer;
  members::ContactUpdater updater;

  template <class WorkFn>
  void write(WorkFn work) {
    database->write(work);
  }
  template <class WorkFn>
  auto read(WorkFn work) {
    decltype(work(std::declval<store::Reader&>())) found{};
    database->read([&](store::Reader& reader) { found = work(reader); });
    return found;
  }
  std::optional<Contact> contact(ContactId id) {
    return read([&](store::Reader& reader) { return reader.findContact(id); });
  }
  std::optional<Credential> credential(ContactId id) {
    return read([&](store::Reader& reader) { return reader.findCredential(id); });
  }
  std::optional<Job> job(JobId id) {
    return read([&](store::Reader& reader) { return reader.findJob(id); });
  }
  std::optional<Job> openJob(std::string_view kind, std::string_view key) {
    return read([&](store::Reader& reader) { return reader.findOpenJob(kind, key); });
  }
  // Of every state, oldest first.
  std::vector<Job> jobs() {
    std::vector<Job> all;
    database->read([&](store::Reader& reader) {
      for (int state = 0; state <= static_cast<int>(JobState::kDropped); ++state) {
        for (Job& each : reader.listJobs(static_cast<JobState>(state), 1000)) {
          all.push_back(std::move(each));
        }
      }
    });
    std::sort(all.begin(), all.end(), [](const Job& a, const Job& b) { return a.id < b.id; });
    return all;
  }
  bool knows(ContactId id, std::string_view password) {
    const auto found = credential(id);
    return found && hasher.verify(*found, Secret(password));
  }

  // Members 42 (a@example.com), tag 1 Member, 2 Gold, 3 "Gold, yearly"; fields 3 PASSWORD, 6 CITY;
  // automation 5 Welcome.
  void fillDirectories() {
    write([](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, {{1, "Member"}, {2, "Gold"}, {3, "Gold, yearly"}});
      tx.saveDirectory(store::Directory::kAutomations, {{5, "Welcome"}});
      tx.saveDirectory(store::Directory::kLists, {{9, "News"}});
      tx.saveFields({{3, "PASSWORD", "Password"}, {6, "CITY", "City"}});
      tx.setMeta(contacts::kDirectoriesFetched, "yes");
    });
  }
  // As a pull that was just sent would have left it.
  Contact known(ContactId id, const std::string& mail, std::vector<TagId> tags = {}) {
    Contact contact;
    contact.id = id;
    contact.email = email(mail);
    contact.firstName = "Ada";
    contact.tags = std::move(tags);
    contact.confirmed = true;
    contact.pulledAt = contact.asOf = contact.changedAt = clock.now();
    write([&](store::Transaction& tx) { tx.saveContact(contact); });
    return contact;
  }

  // Hears every change after the caches did; on the writer's thread.
  void listen(store::Store::Listener listener) {
    const std::lock_guard lock(mutex_);
    listener_ = std::move(listener);
  }
  std::uint64_t changeCount() {
    const std::lock_guard lock(mutex_);
    return changes_;
  }
  // True once a commit changed something after `seen` was taken; false after `atMost`.
  bool awaitChange(std::uint64_t seen, Milliseconds atMost) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, atMost, [&] { return changes_ != seen; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t changes_ = 0;        // guarded by mutex_
  store::Store::Listener listener_;  // guarded by mutex_
};

}  // namespace mbr::test
