#include "contacts/directories.h"

#include <algorithm>

#include "base/ascii.h"
#include "domain/contact.h"
#include "ops/log.h"

namespace mbr::contacts {
namespace {

std::string_view nameIn(const std::unordered_map<std::int64_t, std::string>& names,
                        std::int64_t id) {
  const auto found = names.find(id);
  return found == names.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<std::int64_t> idIn(const std::map<std::string, std::int64_t, std::less<>>& ids,
                                 std::string_view name) {
  const auto found = ids.find(name);
  if (found == ids.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Names::Names(const std::vector<store::NamedId>& tags,
             const std::vector<store::NamedId>& automations,
             const std::vector<store::NamedId>& lists,
             const std::vector<store::FieldRecord>& fields, bool complete)
    : complete_(complete) {
  for (const auto& [id, name] : tags) {
    tags_.emplace(id, name);
    tagIds_.emplace(name, id);
    longestTag_ = std::max(longestTag_, name.size());
  }
  for (const auto& [id, name] : automations) {
    automations_.emplace(id, name);
    automationIds_.emplace(name, id);
  }
  for (const auto& [id, name] : lists) {
    lists_.emplace(id, name);
    listIds_.emplace(name, id);
  }
  for (const auto& field : fields) {
    const std::string perstag = upperCased(field.perstag);
    fields_.emplace(field.id, perstag);
    fieldIds_.emplace(perstag, field.id);
  }
}

std::string_view Names::tagName(TagId id) const { return nameIn(tags_, id); }
std::string_view Names::automationName(AutomationId id) const { return nameIn(automations_, id); }
std::string_view Names::listName(ListId id) const { return nameIn(lists_, id); }
std::optional<TagId> Names::tagId(std::string_view name) const { return idIn(tagIds_, name); }
std::optional<AutomationId> Names::automationId(std::string_view name) const {
  return idIn(automationIds_, name);
}
std::optional<ListId> Names::listId(std::string_view name) const { return idIn(listIds_, name); }

std::optional<std::string> Names::perstag(FieldId id) const {
  const auto found = fields_.find(id);
  if (found == fields_.end()) return std::nullopt;
  return found->second;
}

std::optional<FieldId> Names::fieldId(std::string_view perstag) const {
  return idIn(fieldIds_, upperCased(perstag));
}

Names::TagList Names::splitTags(std::string_view text) const {
  constexpr std::string_view kSeparator = ", ";
  TagList list;
  while (!text.empty()) {
    // The longest run of parts that is a known name; names with commas are longer than their parts.
    std::optional<TagId> found;
    std::size_t length = 0;
    for (std::size_t end = text.find(kSeparator);; end = text.find(kSeparator, end + 1)) {
      const std::string_view candidate = text.substr(0, end);
      // Without this bound a long list would cost its square, on the writer's thread.
      if (candidate.size() > longestTag_) break;
      if (const auto id = tagId(candidate)) {
        found = id;
        length = candidate.size();
      }
      if (end == std::string_view::npos) break;
    }
    if (found) {
      addTag(list.tags, *found);
    } else {
      list.complete = false;
      length = std::min(text.find(kSeparator), text.size());
    }
    text.remove_prefix(std::min(text.size(), length + kSeparator.size()));
  }
  return list;
}

Directories::Directories(store::Store& store)
    : store_(store), names_(std::make_shared<const Names>()) {}

std::shared_ptr<const Names> Directories::names() const {
  // Taken before reading: what is announced meanwhile may not be in what is read.
  const std::uint64_t announced = announced_;
  {
    const std::lock_guard lock(mutex_);
    if (loaded_ >= announced) return names_;
  }
  std::shared_ptr<const Names> fresh;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    fresh = std::make_shared<const Names>(reader.listDirectory(store::Directory::kTags),
                                          reader.listDirectory(store::Directory::kAutomations),
                                          reader.listDirectory(store::Directory::kLists),
                                          reader.listFields(),
                                          reader.findMeta(kDirectoriesFetched).has_value());
    return Done{};
  });
  const std::lock_guard lock(mutex_);
  if (read && loaded_ < announced) {
    names_ = std::move(fresh);
    loaded_ = announced;
  }
  if (!read) {
    ops::logWarning("directories_unreadable", {{"detail", read.error().detail}});
  }
  return names_;
}

}  // namespace mbr::contacts
