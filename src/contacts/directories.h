// ActiveCampaign's names by id: tags, fields, automations, lists.
//
// The rows lie in the store, written by whoever talks to ActiveCampaign; here they are kept in
// memory as an immutable snapshot.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/ids.h"
#include "store/store.h"

namespace mbr::contacts {

// Immutable.
class Names {
 public:
  Names() = default;
  Names(const std::vector<store::NamedId>& tags, const std::vector<store::NamedId>& automations,
        const std::vector<store::NamedId>& lists, const std::vector<store::FieldRecord>& fields,
        bool complete);

  // False until the directories were fetched once: then an unknown name says nothing.
  bool complete() const { return complete_; }

  std::string_view tagName(TagId id) const;  // "" if unknown
  std::string_view automationName(AutomationId id) const;
  std::string_view listName(ListId id) const;
  std::optional<TagId> tagId(std::string_view name) const;  // exact
  std::optional<AutomationId> automationId(std::string_view name) const;
  std::optional<ListId> listId(std::string_view name) const;
  std::optional<std::string> perstag(FieldId id) const;            // upper-case
  std::optional<FieldId> fieldId(std::string_view perstag) const;  // any case
  bool isPerstag(std::string_view upperCase) const { return fieldIds_.count(upperCase) != 0; }

  // What a tag list of a webhook ("A, B") means. A name may hold a comma, so the text is split at
  // the longest known names; `complete` is false if a part is no known name.
  struct TagList {
    std::vector<TagId> tags;  // ascending, unique
    bool complete = true;
  };
  TagList splitTags(std::string_view text) const;

 private:
  std::unordered_map<std::int64_t, std::string> tags_, automations_, lists_, fields_;
  std::map<std::string, std::int64_t, std::less<>> tagIds_, automationIds_, listIds_, fieldIds_;
  std::size_t longestTag_ = 0;  // bytes
  bool complete_ = false;
};

// Thread-safe.
class Directories {
 public:
  // `store` must outlive this.
  explicit Directories(store::Store& store);

  // The newest snapshot; reads the store if a change was announced. If that fails the older
  // snapshot is returned and the next call tries again.
  std::shared_ptr<const Names> names() const;

  // The rows changed; for the store's listener.
  void invalidate() { ++announced_; }

 private:
  store::Store& store_;
  std::atomic<std::uint64_t> announced_{1};  // changes so far
  mutable std::mutex mutex_;
  mutable std::uint64_t loaded_ = 0;            // guarded by mutex_: names_ hold that many of them
  mutable std::shared_ptr<const Names> names_;  // guarded by mutex_
};

// meta key whose presence says that all directories were fetched.
inline constexpr std::string_view kDirectoriesFetched = "directories.fetched_at";

}  // namespace mbr::contacts
